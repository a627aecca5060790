"""Nights by the commands of production, each on a lake of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.pipeline import worked_example
from tests.warm import run_warm

PROJECT = Path(__file__).resolve().parents[2]


def environment_of(lake: Path, engine: str = "duckdb") -> dict[str, str]:
    """The environment of a command on a lake of its own, with keys beside it."""
    places = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(lake.parent / "keys.json")}
    return os.environ | places | {"ENGINE": engine}


def copied(lake: Path, folder: Path) -> Path:
    """A copy of a lake and its keys in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(lake.parent / "keys.json", folder / "keys.json")
    return Path(shutil.copytree(lake, folder / "lake", symlinks=True))


def run_command(
    lake: Path, *arguments: str, engine: str = "duckdb", **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m …` in the project on a lake, with changes of the environment."""
    return run_warm(arguments, environment_of(lake, engine) | changes)


def must_run(lake: Path, *arguments: str, engine: str = "duckdb", **changes: str) -> str:
    """Run a command that has to succeed; what it printed."""
    done = run_command(lake, *arguments, engine=engine, **changes)
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_worked_nights(lake: Path, *, rotate: bool = False) -> None:
    """Run the worked example's nights and close October after its last one; `rotate` the keys
    before the third.
    """
    first, second, third = (night.isoformat() for night in worked_example.NIGHTS)
    must_run(lake, "ingest", "keys")
    must_run(lake, "dags", "backfill", "--from", first, "--to", second)
    must_run(lake, "dags", "close", "--period", "2026-10")
    if rotate:
        must_run(lake, "ingest", "keys", "--rotate")
    must_run(lake, "dags", "run", "--date", third)
