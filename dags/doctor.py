"""Whether this machine can run the night: a line per thing looked at, and how to mend it.

Three states: ok; a note, with which a night runs; wrong, with which it would fail. Whatever is not
ok says how to mend it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dags.backup import ZONES
from dags.engine import check_engine, locks
from dags.pipeline import PROJECT, sources
from dags.runner import Trouble, lock_file
from dags.status import status_of
from dags.takeover import is_stopped
from ingest.core.errors import Problem

OLDEST_PYTHON = (3, 11)
GIB = 1024**3
BYTES_WANTED = 2 * GIB
MEMORY_LIMIT = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT])(I?)B?", re.I)  # as DuckDB reads it
SHOWN = 5  # of what is not as it should be
GOOD, POOR, BAD = "ok", "note", "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what a person can do about it, empty if it is good."""

    subject: str
    state: str
    text: str
    mend: str = ""


def report(lake: Path, is_json: bool = False) -> int:
    """Print what was found; 1 if anything is wrong, else 0."""
    findings = list(look(lake))
    if is_json:
        print(json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2))
    else:
        for each in findings:
            text = "; ".join(filter(None, (each.text, each.mend)))
            print(f"{each.state:<6} {each.subject:<10} {text}")
    return 1 if any(finding.state == BAD for finding in findings) else 0


def look(lake: Path) -> Iterator[Finding]:
    """Everything that a night needs from this machine."""
    yield _python()
    for lock, mend in locks():
        yield _packages(lock, mend)
    yield _engine()
    yield _memory()
    yield _writable(lake)
    yield _disk(lake)
    yield _keys()
    yield _alarms()
    yield from _asked_of_ingest()
    yield from _landing(lake)
    yield from _lake(lake)


def _python() -> Finding:
    text = ".".join(str(number) for number in sys.version_info[:3]) + f" at {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", GOOD, text)
    return Finding("python", BAD, text, "3.11 or newer is needed: make clean, make PYTHON=<path>")


def _packages(lock: Path, mend: str) -> Finding:
    """The installed version of every package of the lock that this Python wants."""
    wrong = []
    pins = list(_pins(lock))
    for name, wanted in pins:
        try:
            installed = {version(name)}
        except PackageNotFoundError:
            installed = set()
        if not installed & wanted:
            wrong.append(
                f"{name} {' or '.join(sorted(wanted))} (here: {', '.join(installed) or 'none'})"
            )
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        text = f"not as in {lock.name}: {', '.join(wrong[:SHOWN])}{more}"
        return Finding("packages", BAD, text, f"run `{mend}`")
    named = [name for name, _ in pins if name in {"dbt-core", "dbt-duckdb", "duckdb"}]
    text = ", ".join(f"{name} {version(name)}" for name in named)
    return Finding("packages", GOOD, f"{len(pins)} as in {lock.name}: {text}")


def _pins(lock: Path) -> Iterator[tuple[str, set[str]]]:
    """The packages of a lock with their versions; several where they depend on the Python version.

    Packages that only some platforms want are left out.
    """
    pins: dict[str, set[str]] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, equals, rest = line.partition("==")
        pinned, _, marker = rest.removesuffix("\\").strip().partition(" ; ")
        if (
            equals
            and name[:1].isalnum()
            and "platform" not in marker
            and "implementation" not in marker
        ):
            pins.setdefault(name, set()).add(pinned)
    return iter(pins.items())


def _engine() -> Finding:
    try:
        return Finding("engine", GOOD, check_engine())
    except Trouble as trouble:
        return _wrong("engine", str(trouble), "set ENGINE to one of them")


def _memory() -> Finding:
    """What a step may take, beside what the machine has."""
    limit = os.environ.get("MEMORY_LIMIT") or "6GB"
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"MEMORY_LIMIT {limit} of {has / GIB:.1f} GiB"
    read = MEMORY_LIMIT.fullmatch(limit)
    if read is None:
        return Finding("memory", BAD, f"MEMORY_LIMIT '{limit}' is no size", "write it as 6GB")
    unit = (1024 if read[3] else 1000) ** ("KMGT".index(read[2].upper()) + 1)
    if float(read[1]) * unit <= has:
        return Finding("memory", GOOD, text)
    return Finding("memory", POOR, text, "a large night may be killed: set MEMORY_LIMIT lower")


def _nearest(path: Path) -> Path:
    """The path itself or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _writable(lake: Path) -> Finding:
    """Whether the lake, or where it will be made, and all its zones can be written."""
    folders = [
        _nearest(lake),
        *(lake / zone for zone in (*ZONES, "work") if (lake / zone).exists()),
    ]
    for folder in folders:
        if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
            mend = "mend its owner and mode or set LAKE_ROOT"
            return Finding("lake", BAD, f"{folder} cannot be written", mend)
    made = "" if folders[0] == lake else " (made by the first night)"
    return Finding("lake", GOOD, f"{lake}{made}")


def _disk(lake: Path) -> Finding:
    free = shutil.disk_usage(_nearest(lake)).free
    text = f"{free / GIB:.1f} GiB free for the lake"
    if free >= BYTES_WANTED:
        return Finding("disk", GOOD, text)
    return Finding("disk", BAD, text, "2 GiB are needed: make room or set LAKE_ROOT")


def _keys() -> Finding:
    path = Path(os.environ.get("KEYS_FILE") or PROJECT / ".keys" / "onemember.json").expanduser()
    if not path.is_file():
        return Finding("keys", POOR, f"no {path} yet", "`python -m ingest keys` makes it")
    if path.stat().st_mode & 0o077:
        return Finding("keys", BAD, f"{path} can be read by others", f"chmod 600 {path}")
    return Finding("keys", GOOD, str(path))


def _alarms() -> Finding:
    """Whether anybody would be told; whether a channel works, only an alarm shows."""
    named = os.environ.get("ALARM_URLS_FILE")
    if not named:
        mend = "set ALARM_URLS_FILE to a file of apprise URLs, or leave alarms to Airflow"
        return Finding("alarms", POOR, "nobody is told when a night fails", mend)
    path = Path(named).expanduser()
    if not path.is_file():
        return Finding("alarms", BAD, f"no {path}", "make it, or set ALARM_URLS_FILE to another")
    return Finding("alarms", GOOD, f"to the channels of {path}")


def _asked_of_ingest() -> Iterator[Finding]:
    """Contracts, rule books, whether keys and posted partitions are those of this lake and code."""
    command = [sys.executable, "-W", "ignore:::runpy", "-m", "ingest", "fitness"]
    done = subprocess.run(command, cwd=PROJECT, check=False, capture_output=True, text=True)
    try:
        yield from (Finding(*each) for each in json.loads(done.stdout))
    except ValueError:
        said = " ".join(done.stderr.strip().splitlines()[-1:]).removeprefix("error: ")
        yield _wrong("ingest", said or "does not start", "run `make setup`")


def _landing(lake: Path) -> Iterator[Finding]:
    for source in sources():
        folder = lake / "landing" / source
        dates = sorted(path.name for path in folder.glob("????-??-??"))
        if dates:
            text = f"{source}: {len(dates)} deliveries, {dates[0]} to {dates[-1]}"
            yield Finding("landing", GOOD, text)
        else:
            mend = f"put the first delivery into {folder}"
            yield Finding("landing", POOR, f"{source}: nothing delivered", mend)


def _lake(lake: Path) -> Iterator[Finding]:
    """Who holds the lake, and what readers see."""
    try:
        status = status_of(lake)
    except (Trouble, Problem) as error:
        yield _wrong("published", str(error), "restore it from a backup")
        return
    yield _holders(lake, status.work_date, status.processes)
    if status.published_date is None:
        yield Finding("published", POOR, "nothing yet", "run a night: python -m dags run --date D")
    elif status.published_version != status.latest_version:
        text = f"{status.published_version}, and not the last one, {status.latest_version}"
        yield Finding("published", POOR, text, "python -m dags publish, or the next night, ends it")
    else:
        yield Finding("published", GOOD, str(status.published_version))


def _holders(lake: Path, night: str | None, processes: Sequence[int]) -> Finding:
    """Who has the lock: nobody, a run at work, or one that was stopped and will never end."""
    stopped = [process for process in processes if is_stopped(process)]
    if stopped:
        text = f"{lock_file(lake)} is held by a stopped process, {stopped[0]}, night {night}"
        mend = f"let it go on: kill -CONT {stopped[0]}; or end it: dags run --take-over --date D"
        return Finding("lock", BAD, text, mend)
    if processes:
        text = f"held by {', '.join(map(str, processes))}, night {night}"
        return Finding("lock", POOR, text, "wait for it; if it hangs, run with --take-over")
    return Finding("lock", GOOD, "nobody holds the lake")


def _wrong(subject: str, said: str, mend: str) -> Finding:
    """What a command refused with: its line ends with what to do, as a rule."""
    text, _, told = said.partition("; ")
    return Finding(subject, BAD, text, told or mend)
