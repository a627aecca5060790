"""What newer versions of our dependencies would change, tried out before anybody depends on them.

The newest versions that pyproject.toml allows are installed into an environment of their own, and
the same small group is run with both: with the pinned versions, whose digests are the golden ones,
and with the newer ones. The report says which versions differ and every digest that does. Neither
the pinned environment nor a lock is touched; `make lock UPGRADE=--upgrade` takes them over.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dags.backup import check_empty
from dags.outcome import differences, outcome_of
from dags.pipeline import PROJECT
from dags.runner import Trouble

FIRST_NIGHT = "2026-10-30"
SHOWN = 20
CHARACTERS = 300  # of what a command said last
REPORT = "report.json"
USUAL = PROJECT / "target" / "upgrade"


def try_newest(
    into: Path | None, others: Sequence[str], people: int, nights: int, is_json: bool = False
) -> int:
    """Install the newest versions, run the same nights with both, report what differs; the exit
    status, 1 if a digest is not the golden one. `into` None for the usual place, made anew;
    `others` are versions that pyproject.toml would not allow, as `duckdb==1.6.0`; with `is_json`
    the report is printed for programs, and what is being done goes to standard error.

    Trouble if the versions cannot be installed together, or a night fails with them.
    """
    folder = into.absolute() if into else USUAL
    if into is None:
        shutil.rmtree(folder, ignore_errors=True)
    check_empty(folder)
    folder.mkdir(parents=True, exist_ok=True)
    newest = _install_newest(folder, others)
    changed = version_changes(PROJECT / "requirements.lock", folder / "requirements.lock")
    golden = _run(Path(sys.executable), folder / "pinned", folder, people, nights)
    tried = _run(newest, folder / "newest", folder, people, nights)
    report = {
        "versions": [{"name": name, "pinned": old, "newest": new} for name, old, new in changed],
        "golden": golden,
        "different": differences(golden, tried),
    }
    text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    (folder / REPORT).write_text(text, encoding="utf-8")
    if is_json:
        print(text, end="")
    else:
        _print_report(report, folder)
    return 1 if report["different"] else 0


def _print_report(report: dict[str, Any], folder: Path) -> None:
    """The versions that differ, the first digests that do, how many, and where all of it stands."""
    versions, differing, count = report["versions"], report["different"], len(report["golden"])
    for each in versions:
        print(f"version  {each['name']}: {each['pinned']} → {each['newest']}")
    for name in differing[:SHOWN]:
        print(f"digest   {name} differs")
    if len(differing) > SHOWN:
        print(f"digest   and {len(differing) - SHOWN} more")
    print(f"{len(versions)} versions and {len(differing)} of {count} digests differ")
    print(f"all of it stands in {folder / REPORT}")


def version_changes(before: Path, after: Path) -> list[tuple[str, str, str]]:
    """Name, version before and after of each package whose versions in two locks differ."""
    old, new = versions_of(before), versions_of(after)
    return [
        (name, old.get(name, "none"), new.get(name, "none"))
        for name in sorted(old.keys() | new)
        if old.get(name) != new.get(name)
    ]


def versions_of(lock: Path) -> dict[str, str]:
    """The versions of a lock by package; several, for several platforms, as one text."""
    versions: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, equals, rest = line.partition("==")
        if equals and name[:1].isalnum():
            pinned = rest.split()[0]
            versions[name] = f"{versions[name]} or {pinned}" if name in versions else pinned
    return versions


def _install_newest(folder: Path, others: Sequence[str]) -> Path:
    """The Python of a new environment with the newest versions that are allowed, and others."""
    uv = str(Path(sys.executable).with_name("uv"))
    lock, place = folder / "requirements.lock", folder / ".venv"
    overrides = folder / "overrides.txt"
    overrides.write_text("".join(f"{each}\n" for each in others), encoding="utf-8")
    how = ["--universal", "--no-emit-index-url", "--no-header", "--no-annotate", "--upgrade"]
    files = [str(PROJECT / "pyproject.toml"), "--output-file", str(lock)]
    resolve = [uv, "pip", "compile", "--quiet", *how, "--override", str(overrides)]
    _must([*resolve, *files])
    _must([uv, "venv", "--quiet", "--python", sys.executable, str(place)])
    python = place / "bin" / "python"
    install = [uv, "pip", "install", "--quiet", "--python", str(python), "--requirement"]
    _must([*install, str(lock)])
    return python


def _run(python: Path, place: Path, folder: Path, people: int, nights: int) -> dict[str, str]:
    """Run the demo group with a Python in a lake of its own; what it has come to."""
    lake = place / "lake"
    places = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(folder / "keys.json"), "ENGINE": "duckdb"}
    group = ["--people", str(people), "--nights", str(nights), "--from", FIRST_NIGHT]
    print(f"running  {nights} nights of {people} people, {place.name}", file=sys.stderr, flush=True)
    _must([str(python), "-m", "dags", "demo", *group], places)
    return outcome_of(lake)


def _must(command: Sequence[str], places: dict[str, str] | None = None) -> None:
    """Run a command; Trouble with its last lines if it fails."""
    environment = {**os.environ, **(places or {})}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split()).rpartition("error: ")[2]
        raise Trouble(f"{' '.join(command[1:4])} failed: {said[-CHARACTERS:]}")
