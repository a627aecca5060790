"""Whether this machine can run the night: a line per thing looked at, and how to mend it."""

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dags.engine import check_engine
from dags.pipeline import PROJECT, sources
from dags.runner import Trouble
from dags.status import published

OLDEST_PYTHON = (3, 11)
BYTES_WANTED = 2 * 1024**3
LOCK = PROJECT / "requirements.lock"
GOOD, POOR, BAD = "ok", "note", "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing looked at: how it is, and what a person can do."""

    subject: str
    state: str
    text: str


def report(lake: Path) -> int:
    """Print what was found; 1 if anything is wrong, else 0."""
    findings = list(look(lake))
    for finding in findings:
        print(f"{finding.state:<6} {finding.subject:<10} {finding.text}")
    return 1 if any(finding.state == BAD for finding in findings) else 0


def look(lake: Path) -> Iterator[Finding]:
    """Everything that a night needs from this machine."""
    yield _python()
    yield from _packages(LOCK)
    yield _engine()
    yield _writable(lake)
    yield _disk(lake)
    yield _keys()
    yield from _landing(lake)
    yield _published(lake)


def _python() -> Finding:
    text = ".".join(str(number) for number in sys.version_info[:3]) + f" at {sys.executable}"
    if sys.version_info >= OLDEST_PYTHON:
        return Finding("python", GOOD, text)
    return Finding("python", BAD, f"{text}; 3.11 or newer is needed")


def _packages(lock: Path) -> Iterator[Finding]:
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
        yield Finding(
            "packages", BAD, f"run `make setup`; not as in {lock.name}: {'; '.join(wrong[:5])}"
        )
    else:
        text = ", ".join(
            f"{name} {version(name)}" for name in ("dbt-core", "dbt-duckdb", "duckdb", "polars")
        )
        yield Finding("packages", GOOD, f"{len(pins)} as in {lock.name}: {text}")


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
        return Finding("engine", BAD, str(trouble))


def _nearest(path: Path) -> Path:
    """The path itself or the nearest folder above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _writable(lake: Path) -> Finding:
    folder = _nearest(lake)
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "lake", GOOD, str(lake) + ("" if folder == lake else " (made by the first night)")
        )
    return Finding(
        "lake", BAD, f"{folder} cannot be written; mend its owner and mode or set LAKE_ROOT"
    )


def _disk(lake: Path) -> Finding:
    free = shutil.disk_usage(_nearest(lake)).free
    text = f"{free / 1024**3:.1f} GiB free for the lake"
    return (
        Finding("disk", GOOD, text)
        if free >= BYTES_WANTED
        else Finding("disk", BAD, f"{text}; 2 GiB are needed")
    )


def _keys() -> Finding:
    path = Path(os.environ.get("KEYS_FILE") or PROJECT / ".keys" / "onemember.json").expanduser()
    if not path.is_file():
        return Finding("keys", POOR, f"no {path} yet; `python -m ingest keys` makes it")
    if path.stat().st_mode & 0o077:
        return Finding("keys", BAD, f"{path} can be read by others; chmod 600 it")
    return Finding("keys", GOOD, str(path))


def _landing(lake: Path) -> Iterator[Finding]:
    for source in sources():
        dates = sorted(path.name for path in (lake / "landing" / source).glob("????-??-??"))
        if dates:
            yield Finding(
                "landing", GOOD, f"{source}: {len(dates)} deliveries, {dates[0]} to {dates[-1]}"
            )
        else:
            yield Finding(
                "landing", POOR, f"{source}: nothing delivered in {lake / 'landing' / source}"
            )


def _published(lake: Path) -> Finding:
    try:
        current = published(lake)
    except Trouble as trouble:
        return Finding("published", BAD, str(trouble))
    if current is None:
        return Finding("published", POOR, "nothing yet")
    text = f"{current.get('version')} of business date {current['business_date']}"
    return Finding("published", GOOD, text)
