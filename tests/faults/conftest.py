"""The night that nothing disturbs, to which all others are compared."""

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.eventful_night import before_the_night, outcome_of, run_night
from tests.faults.readers import Seen, reading
from tests.pipeline.nights import copied


class Calm(NamedTuple):
    """A lake before the night, and the night as it is when nothing happens."""

    lake: Path
    outcome: dict[str, str]
    passages: list[str]
    seconds: float
    seen: Seen


@pytest.fixture(scope="session")
def calm(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = tmp_path_factory.mktemp("calm")
    lake = before_the_night(worked_lake, folder / "before")
    undisturbed = copied(lake, folder / "undisturbed")
    started = time.monotonic()
    with reading(undisturbed / "published" / "current" / "marts.duckdb") as seen:
        done = run_night(undisturbed, CRASH_LOG=str(folder / "passages"))
    assert done.returncode == 0, done.stdout + done.stderr
    passages = sorted({*(folder / "passages").read_text(encoding="utf-8").splitlines()})
    return Calm(lake, outcome_of(undisturbed), passages, time.monotonic() - started, seen)
