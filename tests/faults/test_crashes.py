"""A night killed anywhere, as `kill -9` does, and run again: what counts is that of a calm night.

CRASH_AT (ingest.core.fail_points) kills a step before and after every write, sync, rename and
removal, and the run itself between its steps. What is at work inside dbt has no such points; the
kills at any time reach it.
"""

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from dags.pipeline import in_order, nightly
from ingest.core.fence import claim
from tests.faults.conftest import Calm
from tests.faults.eventful_night import (
    NIGHT,
    begin,
    begin_night,
    kill_all_on,
    outcome_of,
    run_night,
    wait_until_stopped,
)
from tests.pipeline.nights import copied, run_command

SEED = 20_261_102
AT_POINTS, AT_ANY_TIME = 120, 80


def one_a_step(calm: Calm) -> list[str]:
    """A passage of each step, or behind it if it has none, in the order of the steps."""
    chance = np.random.default_rng(SEED)
    chosen = []
    for step in in_order(nightly()):
        own = [passage for passage in calm.passages if passage.startswith(f"{step.name}/")]
        chosen.append(str(chance.choice(own)) if own else f"run/after {step.name}/1")
    return chosen


def crash(lake: Path, passage: str, *how: str) -> None:
    """Run the night until it is killed at a passage."""
    done = run_night(lake, *how, CRASH_AT=passage)
    assert done.returncode != 0, f"nothing was killed at {passage}:\n{done.stdout}"


def test_every_step_that_python_writes_with_has_points_to_be_killed_at(calm: Calm) -> None:
    in_steps = {passage.split("/")[0] for passage in calm.passages}
    by_dbt = {step.name for step in nightly() if step.command.startswith("{dbt}")}
    assert in_steps == {"run"} | {step.name for step in nightly()} - by_dbt
    for point in ("sync", "rename", "folder", "pointer", "remove"):
        for side in ("before", "after") if point != "sync" else ("before",):
            assert any(f"/{side} {point}/" in passage for passage in calm.passages), point


def test_a_night_killed_in_every_step_and_resumed_each_time_ends_as_a_calm_one(
    calm: Calm, tmp_path: Path
) -> None:
    lake = copied(calm.lake, tmp_path)
    passages = one_a_step(calm)
    assert len(passages) >= 20
    for passage in passages:  # one after the other, or a neighbour of the killed step is done, too
        crash(lake, passage, "--resume", "--jobs", "1")
    done = run_night(lake, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(lake) == calm.outcome


def test_what_a_killed_night_did_not_hand_out_the_next_run_does_whichever_night_it_is_for(
    calm: Calm, tmp_path: Path
) -> None:
    lake = copied(calm.lake, tmp_path)
    passages = [passage for passage in calm.passages if passage.startswith("export/")]
    crash(lake, passages[len(passages) // 2])
    assert outcome_of(lake) != calm.outcome
    later = copied(lake, tmp_path / "later")

    done = run_night(lake)
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(lake) == calm.outcome
    assert "export" not in run_night(lake).stdout

    next_day = (NIGHT + timedelta(days=1)).isoformat()
    refused = run_command(later, "dags", "run", "--date", next_day)
    assert "no source has delivered anything" in refused.stderr
    now = outcome_of(later)
    handed_out = [name for name in calm.outcome if f"/{NIGHT}/" in name and "outbox" in name]
    assert handed_out
    assert [name for name in handed_out if now.get(name) != calm.outcome[name]] == []


@pytest.mark.long
def test_a_night_killed_before_its_pointer_moved_shows_the_night_before(
    calm: Calm, tmp_path: Path
) -> None:
    lake = copied(calm.lake, tmp_path)
    before = outcome_of(lake)["marts"]
    crash(lake, "publish/before pointer/1")
    assert outcome_of(lake)["marts"] == before
    done = run_night(lake)
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(lake) == calm.outcome


def test_eight_readers_see_the_night_before_and_then_this_one_and_nothing_else(calm: Calm) -> None:
    assert calm.seen.failures == []
    assert len(calm.seen.by_reader) == 8
    before = outcome_of(calm.lake)["version"]
    for versions in calm.seen.by_reader.values():
        assert versions == [before, calm.outcome["version"]]


def test_a_stopped_run_is_taken_over_and_the_night_ends_as_a_calm_one(
    calm: Calm, tmp_path: Path
) -> None:
    lake = copied(calm.lake, tmp_path)
    stopped = begin_night(lake, STOP_AT="publish/before pointer/1")
    wait_until_stopped(lake)
    refused = begin_night(lake)
    _, said = refused.communicate()
    assert refused.returncode == 1
    assert b"another run uses" in said
    done = run_night(lake, "--take-over")
    assert done.returncode == 0, done.stdout + done.stderr
    assert stopped.wait() == -signal.SIGKILL
    assert outcome_of(lake) == calm.outcome


def test_an_attempt_that_comes_back_from_the_dead_commits_nothing(
    calm: Calm, tmp_path: Path
) -> None:
    lake = copied(calm.lake, tmp_path)
    crash(lake, "run/after verify/1")
    before = outcome_of(lake)["version"]
    publish = ("step", "publish", "exports", "publish", "--date", NIGHT.isoformat())
    zombie = begin(lake, *publish, STOP_AT="publish/before pointer/1")
    process = wait_until_stopped(lake)
    claim(lake / "work" / "fences" / "publish")  # as another attempt does on another machine
    os.kill(process, signal.SIGCONT)
    _, said = zombie.communicate()
    assert zombie.returncode == 1
    assert b"has taken over this lake" in said
    assert outcome_of(lake)["version"] == before

    dead = begin(lake, *publish, STOP_AT="publish/before pointer/1")
    wait_until_stopped(lake)
    assert begin(lake, *publish).wait() == 0
    assert dead.wait() == -signal.SIGKILL
    done = run_night(lake, "--from-step", "export")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(lake) == calm.outcome


@pytest.mark.long
@pytest.mark.parametrize("number", range(AT_POINTS))
def test_a_night_killed_at_any_point_and_run_again_ends_as_a_calm_one(
    calm: Calm, tmp_path: Path, number: int
) -> None:
    between = [passage for passage in calm.passages if passage.startswith("run/")]
    within = sorted({*calm.passages} - {*between})
    chosen = np.random.default_rng(SEED).choice(within, AT_POINTS - len(between), replace=False)
    passage = [*between, *chosen.tolist()][number]
    lake = copied(calm.lake, tmp_path)
    crash(lake, passage)
    done = run_night(lake, *(["--resume"] if number % 2 else []))
    assert done.returncode == 0, f"after {passage}:\n{done.stdout}{done.stderr}"
    assert outcome_of(lake) == calm.outcome, passage


@pytest.mark.long
@pytest.mark.parametrize("number", range(AT_ANY_TIME))
def test_a_night_whose_processes_are_all_killed_at_any_time_ends_as_a_calm_one(
    calm: Calm, tmp_path: Path, number: int
) -> None:
    lake = copied(calm.lake, tmp_path)
    seconds = calm.seconds * np.random.default_rng(SEED + number).random()
    run = begin_night(lake)
    time.sleep(seconds)
    kill_all_on(lake)
    run.wait()
    done = run_night(lake, *(["--resume"] if number % 2 else []))
    assert done.returncode == 0, f"after {seconds:.2f} s:\n{done.stdout}{done.stderr}"
    assert outcome_of(lake) == calm.outcome, f"killed after {seconds:.2f} s"
