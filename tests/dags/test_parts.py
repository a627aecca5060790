"""The parts of a night that Airflow runs as tasks: what a retry and a rerun of one does again."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

import pytest

from dags.__main__ import left_of_part
from dags.pipeline import LOCK_WAIT
from dags.runner import RunLock, Trouble, attempt_lock, run_lock

NIGHT = "2026-03-31"
BEFORE = ("open", "load_pos", "gate")


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[RunLock]:
    """The lock of a lake whose working folder holds the night."""
    with attempt_lock(tmp_path, "night") as lock:
        lock.remember(NIGHT, BEFORE)
        yield lock


def names(part: str, lock: RunLock) -> list[str]:
    return [step.name for step in left_of_part(part, NIGHT, lock)]


def test_a_part_that_was_not_begun_is_done_whole(lock: RunLock) -> None:
    assert names("points", lock) == ["fold_tiers", "fold_refunds", "rate", "fold_points"]


def test_a_retry_goes_on_at_the_step_that_failed(lock: RunLock) -> None:
    lock.remember(NIGHT, (*BEFORE, "fold_tiers", "fold_refunds"))
    assert names("points", lock) == ["rate", "fold_points"]


def test_a_part_that_is_done_is_done_again_with_what_comes_after_it(lock: RunLock) -> None:
    points = ("fold_tiers", "fold_refunds", "rate", "fold_points")
    lock.remember(NIGHT, (*BEFORE, *points, "build", "verify"))
    assert names("points", lock) == [*points]
    assert not {*points, "build", "verify"}.intersection(lock.done)


def test_what_stands_before_a_part_counts_as_done(lock: RunLock) -> None:
    assert names("build", lock) == ["build"]
    assert {"open", "load_pos", "stage", "fold_points"} <= {*lock.done}


def test_the_first_part_begins_the_night_anew(lock: RunLock) -> None:
    assert names("open", lock) == ["open"]
    assert (lock.night, lock.done) == (NIGHT, ())


def test_a_part_of_another_night_than_the_lake_holds_is_refused(lock: RunLock) -> None:
    with pytest.raises(Trouble, match="2026-03-31, not 2026-04-01; begin with open"):
        left_of_part("build", "2026-04-01", lock)
    assert lock.done == BEFORE


def test_a_task_waits_for_whoever_has_the_lake_if_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOCK_WAIT, "60")
    with ExitStack() as held:
        held.enter_context(run_lock(tmp_path))
        Timer(1.5, held.close).start()
        with attempt_lock(tmp_path, "night") as lock:
            assert lock.night is None


def test_the_command_line_and_a_part_keep_each_other_out(tmp_path: Path) -> None:
    refused = pytest.raises(Trouble, match="another run uses")
    with attempt_lock(tmp_path, "night"), refused, run_lock(tmp_path):
        pass
    with run_lock(tmp_path), refused, attempt_lock(tmp_path, "night"):
        pass
