"""A rehearsal: a night tried out in private copies of the lake, and nothing of it kept.

Each variant of the night runs in a copy of its own, up to some step; then the copies can be
compared. A file of the lake is written aside and renamed over, never edited in place. So a copy
holds links to the files, not their bytes, and what its night writes is its own. Only `work/` is
edited in place; that of a copy starts empty.

The copies lie in `work/rehearsal`, on the disk of the lake, because only there a link can be made.
They are taken away when the rehearsal ends, however it ends; after a kill the next one does it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from dags.engine import ENGINES
from dags.pipeline import Step, step_environment
from dags.runner import (
    WARM_MODULES,
    Board,
    RunLock,
    Runner,
    Trouble,
    lake_at_rest,
    reason_of,
    run_lock,
)
from dags.status import latest

ZONES = ("decisions", "posted", "published", "quarantine", "raw", "restricted")
LANDING = "landing"
BY_NIGHT = ("load_date", "posted_date")
BEFORE_ALL_NIGHTS = date.min  # what a lake holds that nothing was published in is of no night
LAST_STEP = "build"  # after it all is known that a night would post
JOBS = 2
CHARACTERS = 300  # of an error that may name every file
NOT_JUDGED = {"great_expectations", "xlsxwriter"}  # of gate, verify and export; slow to import
MODULES = [name for name in WARM_MODULES if name not in NOT_JUDGED]


def no_change(copy: Path) -> None:
    """Leave a copy as it is."""


@dataclass(frozen=True)
class Variant:
    """One way in which the night could go.

    `change` is done to its copy of the lake before the night, `environment` is added to that of its
    steps.
    """

    name: str
    change: Callable[[Path], None] = no_change
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Delivered:
    """A night with what lies in its landing folders; `is_replacing` redoes a published one."""

    night: date
    is_replacing: bool = False


def last_night(lake: Path) -> date:
    """The night of the last version, also where readers see an earlier one; Trouble if nothing was
    published yet.
    """
    version = latest(lake)
    if version is None:
        raise Trouble(f"nothing was published in {lake} yet; run a night first")
    return date.fromisoformat(version["business_date"])


def next_night(lake: Path) -> date:
    """The night that follows the last published one."""
    return last_night(lake) + timedelta(days=1)


@contextmanager
def rehearsal(
    lake: Path,
    variants: Sequence[Variant],
    steps: Sequence[Step],
    board: Board,
    delivered: Delivered | None = None,
) -> Iterator[list[Path]]:
    """The copies of the lake, one a variant, after these steps of a night: the next one, on which
    nothing is delivered, or one that is `delivered`.

    Trouble if a run or another rehearsal uses the lake, a step fails, or nothing was published
    before a next night. The copies are gone when the block ends.
    """
    if os.environ.get("ENGINE") not in {None, "", ENGINES[0]}:
        # One JVM serves a whole run and keeps its tables in the lake that it was started for.
        raise Trouble(f"a rehearsal runs on ENGINE={ENGINES[0]} only, which posts the same rows")
    asked = delivered or Delivered(next_night(lake))
    folder = lake / "work" / "rehearsal"
    with run_lock(folder) as lock:
        try:
            copies = [folder / str(number) for number, _ in enumerate(variants, 1)]
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)  # of a rehearsal that was killed
            with lake_at_rest(lake):
                last = last_night(lake) if latest(lake) else BEFORE_ALL_NIGHTS
                for copy in copies:
                    _copy_lake(lake, copy, last, delivered is not None)
            for variant, copy in zip(variants, copies, strict=True):
                variant.change(copy)
            for variant, copy in zip(variants, copies, strict=True):
                _run(lock, variant, copy, asked, steps, board)
            yield copies
        finally:
            shutil.rmtree(folder)
            with suppress(OSError):
                folder.parent.rmdir()  # of a lake that had none


def log_of(copy: Path, variant: Variant, step: str) -> Path:
    """What a step of a rehearsed night wrote."""
    return copy / "work" / "logs" / variant.name / f"{step}.log"


def _run(
    lock: RunLock,
    variant: Variant,
    copy: Path,
    asked: Delivered,
    steps: Sequence[Step],
    board: Board,
) -> None:
    """The night of one variant in its copy; Trouble, in one line, if a step fails."""
    environment = {**step_environment(copy), **variant.environment}
    runner = Runner(lock, copy / "work" / "logs", environment, board, JOBS, MODULES)
    values = {"date": asked.night.isoformat(), "replace": "--replace" * asked.is_replacing}
    outcome = runner.run(variant.name, steps, values)
    for step in outcome.steps:
        if step.status == "failed":
            raise Trouble(
                f"the rehearsal failed in {step.name}, {variant.name}: {reason_of(step.log)}"
            )


def _copy_lake(lake: Path, copy: Path, last: date, is_delivered: bool) -> None:
    """Link the files of the lake, as its last night left it, into a folder of their own; where a
    night is delivered, what landed, too.

    What a later night that was not published has left behind is not taken along.
    """

    def later(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if _is_unfinished(name) or _is_later(name, last)}

    try:
        for zone in ZONES:
            if (lake / zone).is_dir():
                # Only a publication is found by a link; a zone that lies elsewhere is copied
                # whole, or the copy would write into it.
                is_pointing = zone == "published"
                shutil.copytree(lake / zone, copy / zone, is_pointing, later, _link)
        if is_delivered:
            copy.mkdir(parents=True, exist_ok=True)
            (copy / LANDING).symlink_to(lake / LANDING)  # a night reads it and writes nothing there
    except OSError as error:
        said = " ".join(str(error).split())[:CHARACTERS]
        raise Trouble(f"cannot copy {lake}: {said}; check its owner and free space") from error


def _is_unfinished(name: str) -> bool:
    return name.endswith(".tmp")


def _is_later(name: str, last: date) -> bool:
    column, _, day = name.partition("=")
    return column in BY_NIGHT and day > last.isoformat()


def _link(file: str, copy: str) -> None:
    """Link a file, or copy it where links cannot be made: from another disk, of another owner."""
    try:
        os.link(file, copy)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copy2(file, copy)
