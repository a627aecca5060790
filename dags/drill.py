"""The restore drill: whether a backup could take the lake's place tonight.

It is restored into a scratch folder, every hash compared; the marts have to give the digests that
their manifest names; and the next night has to run there to its end, without deliveries. That asks
for the keys, the decisions and all that earlier nights left. The scratch folder goes afterwards.
"""

import io
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dags.backup import Backup, check_empty, restore
from dags.engine import engine
from dags.pipeline import PROJECT, nightly, step_environment, without_deliveries
from dags.rehearsal import next_night
from dags.runner import Board, Runner, Trouble, reason_of, run_lock


@dataclass(frozen=True)
class Drill:
    """What a drill has proved. `seconds` of wall time: to restore, to compare, for the night."""

    backup: str
    version: str
    file_count: int
    total_bytes: int
    night: str
    seconds: dict[str, float]


def drill(backup: Backup, scratch: Path, jobs: int) -> Drill:
    """Restore a backup into a scratch folder and run a night on it; Trouble in one line if it could
    not take the lake's place.
    """
    check_empty(scratch)
    marks = [time.monotonic()]
    try:
        restore(backup, scratch)
        marks.append(time.monotonic())
        _compare_marts(scratch)
        marks.append(time.monotonic())
        night = _run_night(scratch, jobs)
        marks.append(time.monotonic())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    spent = [round(after - before, 1) for before, after in pairwise(marks)]
    return Drill(
        backup=str(backup.folder),
        version=backup.version,
        file_count=len(backup.files),
        total_bytes=backup.total_bytes,
        night=night,
        seconds=dict(zip(("restore", "compare", "night"), spent, strict=True)),
    )


def _compare_marts(lake: Path) -> None:
    command = [sys.executable, "-W", "ignore:::runpy", "-m", "exports", "intact"]
    environment = {**os.environ, **step_environment(lake)}
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        said = " ".join(done.stderr.split()).removeprefix("error: ")
        raise Trouble(f"the restored marts are not what was published: {said}")


def _run_night(lake: Path, jobs: int) -> str:
    """Run the next night in a lake, without deliveries; its business date."""
    day = next_night(lake).isoformat()
    environment = step_environment(lake)
    os.environ.update(environment)  # what the steps share belongs to this lake, too
    with engine(), run_lock(lake) as lock:
        board = Board(io.StringIO())
        runner = Runner(lock, lake / "work" / "logs", environment, board, jobs)
        outcome = runner.run(day, without_deliveries(nightly()), {"date": day, "replace": ""})
    for step in outcome.steps:
        if step.status != "done":
            raise Trouble(
                f"the night {day} does not run on the backup, {step.name}: {reason_of(step.log)}"
            )
    return day
