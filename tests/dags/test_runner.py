"""The runner on small pipelines of fake steps: order, failure, nothing new, the lock, Ctrl-C."""

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from dags.pipeline import PROJECT, Step
from dags.runner import Board, Outcome, Runner, Trouble, run_lock, what_went_wrong


class Bench:
    """A lake in a temporary folder, and runs of fake pipelines on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = folder / "lake"
        self.screen = io.StringIO()
        self.environment = {"NIGHT_OF": "the fakes"}

    def step(self, name: str, after: str = "", status: int = 0) -> Step:
        command = f"tests.dags.fake_step {status} {self.folder} {name}"
        return Step(name, command, tuple(after.split()), "A fake.")

    def run(self, *steps: Step, jobs: int = 2) -> Outcome:
        with run_lock(self.lake) as lock:
            logs = self.lake / "work" / "logs"
            runner = Runner(lock, logs, self.environment, Board(self.screen), jobs)
            return runner.run("2026-03-31", steps, {})

    def time_of(self, name: str, what: str) -> float:
        return float((self.folder / f"{name}.{what}").read_text().split()[0])

    def ran(self) -> set[str]:
        return {path.stem for path in self.folder.glob("*.began")}

    def log(self, name: str) -> Path:
        return self.lake / "work" / "logs" / "2026-03-31" / f"{name}.log"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_steps_run_after_those_they_wait_for_and_beside_those_they_do_not(bench: Bench) -> None:
    outcome = bench.run(
        bench.step("first"),
        bench.step("left", "first", 1400),
        bench.step("right", "first", 1400),
        bench.step("last", "left right"),
    )
    assert outcome.status == "done"
    assert bench.time_of("first", "ended") < bench.time_of("left", "began")
    assert bench.time_of("left", "began") < bench.time_of("right", "ended")
    assert bench.time_of("right", "began") < bench.time_of("left", "ended")
    assert bench.time_of("last", "began") > bench.time_of("left", "ended")
    assert bench.time_of("last", "began") > bench.time_of("right", "ended")


def test_no_more_steps_run_at_once_than_there_are_jobs(bench: Bench) -> None:
    bench.run(bench.step("one", status=1300), bench.step("other", status=1300), jobs=1)
    assert bench.time_of("other", "began") > bench.time_of("one", "ended")


def test_a_step_runs_in_the_project_folder_with_its_environment_and_leaves_a_log(
    bench: Bench,
) -> None:
    bench.run(bench.step("first"))
    command, said = bench.log("first").read_text().splitlines()
    assert command == f"$ python -m tests.dags.fake_step 0 {bench.folder} first"
    assert said == f"first ran in {PROJECT} for the fakes"


def test_a_warm_step_behaves_as_a_cold_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dags.runner.WARM_MODULES", ["json"])
    outcome = bench.run(
        bench.step("cold"),
        replace(bench.step("warm", "cold"), warm=True),
        replace(bench.step("refusing", "warm", 1), warm=True),
    )
    assert [step.status for step in outcome.steps] == ["done", "done", "failed"]
    assert bench.log("warm").read_text().endswith(f"warm ran in {PROJECT} for the fakes\n")


def test_a_warm_step_has_the_environment_of_now_not_that_in_which_its_server_began(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.environment = {}
    for name in ("before", "after"):
        monkeypatch.setenv("NIGHT_OF", name)
        bench.run(replace(bench.step(name), warm=True))
        assert bench.log(name).read_text().endswith(f"{name} ran in {PROJECT} for {name}\n")


def test_after_a_failed_step_nothing_is_started_but_its_neighbour_may_finish(bench: Bench) -> None:
    outcome = bench.run(
        bench.step("bad", status=1),
        bench.step("slow", status=1800),
        bench.step("third"),
        bench.step("later", "bad slow"),
    )
    assert outcome.status == "failed"
    assert {step.name: step.status for step in outcome.steps} == {"bad": "failed", "slow": "done"}
    assert bench.ran() == {"bad", "slow"}


def test_a_failed_step_is_explained_by_its_error_lines(bench: Bench) -> None:
    bench.run(bench.step("bad", status=1))
    assert f"exit 1, log: {bench.log('bad')}" in bench.screen.getvalue()
    assert what_went_wrong(bench.log("bad")) == ["error: bad cannot read rules.yml line 3; mend it"]


def test_a_step_that_broke_without_an_error_line_shows_the_end_of_its_log(bench: Bench) -> None:
    bench.run(bench.step("broken", status=2))
    lines = what_went_wrong(bench.log("broken"))
    assert lines[-1] == "RuntimeError: no one expected this"
    assert len(lines) <= 15


def test_status_99_leaves_out_what_comes_after_and_is_no_failure(bench: Bench) -> None:
    outcome = bench.run(bench.step("open", status=99), bench.step("load", "open"))
    assert outcome.status == "nothing new"
    assert bench.ran() == {"open"}


def test_the_board_is_a_table_of_steps_statuses_and_seconds(bench: Bench) -> None:
    bench.run(bench.step("open"), bench.step("load", "open"))
    night, heading, first, second, total = bench.screen.getvalue().splitlines()
    assert night == "2026-03-31"
    assert heading.split() == ["step", "status", "seconds"]
    assert first.split()[:2] == ["open", "done"]
    assert second.split()[:2] == ["load", "done"]
    assert total.split()[:2] == ["2026-03-31", "done"]


def test_a_second_run_is_refused_while_the_first_holds_the_lake(bench: Bench) -> None:
    with run_lock(bench.lake) as lock:
        lock.remember("2026-03-30")
        with pytest.raises(Trouble, match=f"process {os.getpid()}, night 2026-03-30"):
            bench.run(bench.step("first"))
    assert bench.run(bench.step("first")).status == "done"


def test_a_lake_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("a file where a folder should be")
    with pytest.raises(Trouble, match=r"cannot write .*lake/work/run\.lock"):
        Bench(tmp_path).run()


RUN_UNTIL_STOPPED = """
import signal
import sys
from pathlib import Path
from tests.dags.test_runner import Bench
signal.signal(signal.SIGINT, signal.default_int_handler)  # where a shell ran us in the background
bench = Bench(Path(sys.argv[1]))
bench.run(bench.step("endless", status=61000))
"""


def _run_that_does_not_end(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A run in a process of its own with a step that takes a minute; the step's process id."""
    command = [sys.executable, "-c", RUN_UNTIL_STOPPED, str(folder)]
    run = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    began = folder / "endless.began"
    deadline = time.monotonic() + 30
    while not (began.exists() and began.read_text()):
        assert time.monotonic() < deadline, "the step did not start"
        time.sleep(0.05)
    return run, int(began.read_text().split()[1])


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_ends_the_running_steps(tmp_path: Path) -> None:
    run, step = _run_that_does_not_end(tmp_path)
    run.send_signal(signal.SIGINT)
    run.wait(20)
    assert not _is_alive(step)
    with run_lock(tmp_path / "lake"):
        pass


def test_the_lake_stays_locked_while_a_step_of_a_killed_run_still_writes(tmp_path: Path) -> None:
    run, step = _run_that_does_not_end(tmp_path)
    run.kill()
    run.wait(20)
    assert _is_alive(step)
    with pytest.raises(Trouble, match="another run uses"), run_lock(tmp_path / "lake"):
        pass
    os.kill(step, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with run_lock(tmp_path / "lake"):
                return
        except Trouble:
            time.sleep(0.1)
    pytest.fail("the lock outlived its last process")
