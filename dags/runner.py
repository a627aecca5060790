"""Runs a graph of steps on this machine, each a process of its own, side by side where it allows.

A small night costs less than the imports of its steps: dbt takes 3 s, Great Expectations 6 s, the
others about 1 s, every time. So steps marked `warm` are forked from one process that has imported
the large libraries (the standard library's fork server), which takes a small night from 68 s to
27 s. Libraries are imported there but never used, so no thread pool is lost in the fork.

A step has its own process group and log file, and holds the run's lock as long as it lives: after
a killed run nobody can start another one beside a step that is still writing.
"""

import fcntl
import multiprocessing
import os
import runpy
import signal
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection, forkserver, reduction
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TextIO

from dags.pipeline import LOCK_WAIT, NOTHING_NEW, PROJECT, Step
from dags.takeover import end_holders
from ingest.core.errors import Problem
from ingest.core.fail_points import STEP, fail_point
from ingest.core.fence import FENCE, Claim, claim

# One that is missing costs its import in every step that needs it, nothing else.
WARM_MODULES = [
    "dbt.cli.main",
    "dbt.adapters.duckdb",
    "great_expectations",
    "ledger.warm_numba",
    "numba",
    "pandas",
    "polars",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "pydantic",
    "pypinyin",
    "rich.console",
    "splink",
    "stdnum.cn",
    "xlsxwriter",
]
RUN = "RUN"  # of which run a process is, for its log
SECONDS_BETWEEN_LOOKS = 1.0  # at a lake that somebody has
SECONDS_TO_STOP = 5.0  # what a step gets between the request to stop and the kill
SECONDS_BETWEEN_NEWS = 30.0  # on a screen that cannot be overwritten
LINES_OF_A_FAILED_LOG = 15


class Trouble(Exception):
    """One line for the person who started the run."""


@dataclass(frozen=True)
class Finished:
    """How a step ended: `status` is done, nothing new or failed; `code` is negative if killed."""

    name: str
    status: str
    code: int
    seconds: float
    log: Path


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `status` as of a step; `steps` in the order in which they ended."""

    label: str
    status: str
    seconds: float
    steps: tuple[Finished, ...]


@dataclass
class RunLock:
    """The lock of the lake while it is held, the night that its working folder holds, and the steps
    of it that are done.
    """

    file: TextIO
    night: str | None
    fence: str
    done: tuple[str, ...] = ()

    def remember(self, night: str | None, done: Iterable[str] = ()) -> None:
        """Write down whose night the working folder holds from now on, who is building it, and what
        is done.
        """
        self.night, self.done = night, tuple(done)
        try:
            self.file.seek(0)
            self.file.truncate()
            self.file.write("\n".join([f"{os.getpid()} {night or ''}", *self.done]) + "\n")
            self.file.flush()
        except OSError as error:
            raise Trouble(f"cannot write {self.file.name}: {error.strerror}; free space") from error


@contextmanager
def run_lock(lake: Path, is_taking_over: bool = False) -> Iterator[RunLock]:
    """Hold the lake for one run; Trouble if another run has it or the lake cannot be written.

    `is_taking_over` ends that other run first.
    """
    with _opened(lake) as file:
        if is_taking_over:
            end_holders(lock_file(lake))
        night, done = _take(file, lake, fcntl.LOCK_EX)
        lock = RunLock(file, night or None, _claim(lake / "work" / "fence").text)
        lock.remember(lock.night, done)
        yield lock


@contextmanager
def attempt_lock(lake: Path, name: str) -> Iterator[RunLock]:
    """Share the lake with others that Airflow has started, for one attempt of what `name` names.

    Trouble if a run of the command line has the lake, and keeps it for the seconds of LOCK_WAIT. An
    earlier attempt that is still there is ended, and can commit nothing if that fails.
    """
    until = time.monotonic() + float(os.environ.get(LOCK_WAIT, "0"))
    with _opened(lake) as file:
        while True:
            try:
                night, done = _take(file, lake, fcntl.LOCK_SH)
                break
            except Trouble:
                if time.monotonic() >= until:
                    raise
                time.sleep(SECONDS_BETWEEN_LOOKS)
        claimed = _claim(lake / "work" / "fences" / name)
        end_holders(lock_file(lake), {claimed.previous_process})
        yield RunLock(file, night or None, claimed.text, tuple(done))


def lock_file(lake: Path) -> Path:
    """The file that whoever works on a lake holds locked."""
    return lake / "work" / "run.lock"


@contextmanager
def lake_at_rest(lake: Path) -> Iterator[None]:
    """Let no run and no step begin while the block reads the lake; Trouble if one has it. Writes
    nothing.
    """
    path = lock_file(lake)
    if not path.is_file():
        yield
        return
    with path.open(encoding="utf-8") as file:
        _take(file, lake, fcntl.LOCK_EX)
        yield


class Board:
    """What a person sees of a run: one line per step, or one line per run when there are many.

    On a terminal the last line shows what is running now; elsewhere a line every half minute does.
    """

    def __init__(self, stream: TextIO, is_brief: bool = False) -> None:
        self.stream = stream
        self.is_brief = is_brief
        self._is_terminal = stream.isatty()
        self._last_news = time.monotonic()

    def begin(self, label: str) -> None:
        """A run starts."""
        self._last_news = time.monotonic()
        if not self.is_brief:
            self._line(f"{label}\n  {'step':<22}{'status':<12}{'seconds':>8}")

    def running(self, label: str, steps: dict[str, float]) -> None:
        """What runs now, with the seconds so far."""
        text = f"  {label}  " + ", ".join(
            f"{name} {seconds:.0f} s" for name, seconds in steps.items()
        )
        if self._is_terminal:
            self.stream.write(f"\r\x1b[K{text[:100]}")
            self.stream.flush()
        elif time.monotonic() - self._last_news > SECONDS_BETWEEN_NEWS:
            self._line(text + " …")

    def finished(self, step: Finished) -> None:
        """One step ended."""
        row = f"  {step.name:<22}{step.status:<12}{step.seconds:>8.1f}"
        if step.status == "failed":
            how = f"signal {-step.code}" if step.code < 0 else f"exit {step.code}"
            self._line(f"{row}  {how}, log: {step.log}")
        elif not self.is_brief:
            self._line(row)

    def end(self, outcome: Outcome) -> None:
        """The run ended."""
        slowest = sorted(outcome.steps, key=lambda step: -step.seconds)[:3]
        text = f"{outcome.label}  {outcome.status:<12}{outcome.seconds:>8.1f} s"
        if self.is_brief and outcome.status == "done":
            text += "   slowest: " + ", ".join(
                f"{step.name} {step.seconds:.1f}" for step in slowest
            )
        self._line(text)

    def _line(self, text: str) -> None:
        if self._is_terminal:
            self.stream.write("\r\x1b[K")
        self.stream.write(text + "\n")
        self.stream.flush()
        self._last_news = time.monotonic()


class TaskBoard(Board):
    """What a person sees in Airflow: a line for each step, and its log when the line is opened."""

    def begin(self, label: str) -> None:
        """A task starts; Airflow says which."""
        self._last_news = time.monotonic()

    def finished(self, step: Finished) -> None:
        """One step ended: its line, and its log; that of a failed step lies open."""
        if step.status == "failed":
            super().finished(step)
        else:
            self._line(f"::group::{step.name}  {step.status}  {step.seconds:.1f} s")
        self._line(step.log.read_text(encoding="utf-8", errors="replace").rstrip())
        if step.status != "failed":
            self._line("::endgroup::")


@dataclass
class Runner:
    """Runs graphs one after the other on one lake; the caller holds its lock.

    `environment` is added to what the steps inherit. `jobs` steps run at once at most. `modules`
    are imported before warm steps are forked.
    """

    lock: RunLock
    logs: Path
    environment: dict[str, str]
    board: Board
    jobs: int = 2
    modules: Sequence[str] = tuple(WARM_MODULES)
    _running: dict[str, "_Running"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        forkserver.set_forkserver_preload([*self.modules])

    def run(self, label: str, steps: Sequence[Step], values: dict[str, str]) -> Outcome:
        """Run the steps in the order of their graph and say how it ended.

        After a failed step nothing new is started, but what runs beside it may finish. Ctrl-C
        stops all of it.
        """
        started = time.monotonic()
        if len(steps) == 1:  # to warm up for one step costs more than it saves
            steps = [replace(steps[0], warm=False)]
        self.board.begin(label)
        ended: dict[str, Finished] = {}
        try:
            while True:
                if all(step.status == "done" for step in ended.values()):
                    self._start_ready(label, steps, values, ended)
                if not self._running:
                    break
                for step in self._wait(label):
                    ended[step.name] = step
                    self.board.finished(step)
                    if step.status == "done" and label == self.lock.night:
                        self.lock.remember(label, (*self.lock.done, step.name))
                    fail_point(f"after {step.name}")
        finally:
            self._stop_all()
        statuses = {step.status for step in ended.values()}
        status = next(name for name in ("failed", "nothing new", "done") if name in statuses)
        outcome = Outcome(label, status, time.monotonic() - started, tuple(ended.values()))
        self.board.end(outcome)
        return outcome

    def _start_ready(
        self, label: str, steps: Sequence[Step], values: dict[str, str], ended: dict[str, Finished]
    ) -> None:
        for step in steps:
            is_ready = (
                step.name not in ended
                and step.name not in self._running
                and ended.keys() >= {*step.after}
            )
            if is_ready and len(self._running) < self.jobs:
                log = self.logs / label / f"{step.name}.log"
                # A server that forks warm steps keeps the environment in which it began.
                own = {STEP: step.name, FENCE: self.lock.fence, RUN: label}
                environment = {**os.environ, **self.environment, **own}
                self._running[step.name] = _start(
                    step.arguments(values), step.warm, log, environment, self.lock
                )
        if ended and any(step.warm for step in steps) and not _is_warm_here():
            forkserver.ensure_running()  # warms up while the first steps work

    def _wait(self, label: str) -> list[Finished]:
        """Wait until a step ends, or a moment for the board; the steps that ended."""
        connection.wait(
            [running.process.sentinel for running in self._running.values()], timeout=0.5
        )
        now = time.monotonic()
        ended = []
        for name, running in list(self._running.items()):
            code = running.process.exitcode
            if code is not None:
                status = {0: "done", NOTHING_NEW: "nothing new"}.get(code, "failed")
                ended.append(Finished(name, status, code, now - running.started, running.log))
                del self._running[name]
        if self._running:
            self.board.running(
                label, {name: now - running.started for name, running in self._running.items()}
            )
        return ended

    def _stop_all(self) -> None:
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            for running in self._running.values():
                with suppress(ProcessLookupError):
                    os.killpg(running.process.pid or 0, signal_number)
            for running in self._running.values():
                running.process.join(SECONDS_TO_STOP)
        self._running.clear()


@dataclass(frozen=True)
class _Running:
    process: BaseProcess
    started: float
    log: Path


def reason_of(log: Path) -> str:
    """Why a step failed, in one line."""
    return " ".join(what_went_wrong(log)[-3:]).removeprefix("error: ")


def what_went_wrong(log: Path) -> list[str]:
    """The `error:` lines that a step wrote, or the end of its log if it wrote none."""
    lines = [
        line.rstrip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    errors = [line for line in lines if line.startswith("error: ")]
    return list(dict.fromkeys(errors)) or [line for line in lines if line][-LINES_OF_A_FAILED_LOG:]


def _opened(lake: Path) -> TextIO:
    path = lock_file(lake)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise Trouble(
            f"cannot write {path}: {error.strerror}; check the owner and mode of the lake"
        ) from error


def _claim(path: Path) -> Claim:
    try:
        return claim(path)
    except Problem as problem:
        raise Trouble(str(problem)) from problem


def _take(file: TextIO, lake: Path, lock: int) -> tuple[str, list[str]]:
    """Lock the run.lock of a lake; the night that stands in it and its steps that are done. Trouble
    if another run holds it.
    """
    file.seek(0)
    first, *done = file.read().splitlines() or [""]
    process, _, night = first.partition(" ")
    try:
        fcntl.flock(file, lock | fcntl.LOCK_NB)
    except OSError as error:
        raise Trouble(
            f"another run uses {lake} (process {process or '?'}, night {night or '?'}); "
            "wait for it or stop it"
        ) from error
    return night, done


def _start(
    arguments: list[str], is_warm: bool, log: Path, environment: dict[str, str], lock: RunLock
) -> _Running:
    """Start one step as a process; Trouble if its log cannot be written."""
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"$ python -m {' '.join(arguments)}\n", encoding="utf-8")
    except OSError as error:
        raise Trouble(
            f"cannot write {log}: {error.strerror}; check the lake (LAKE_ROOT)"
        ) from error
    context: Any = multiprocessing.get_context(_way_to_start(is_warm))
    process = context.Process(
        target=_step, args=(arguments, log, environment, _Inherited(lock.file.fileno()))
    )
    started = time.monotonic()
    process.start()
    return _Running(process, started, log)


def _way_to_start(is_warm: bool) -> str:
    """How multiprocessing starts a step: a process that is as the fork server would be forks it
    itself.
    """
    if _is_warm_here():
        return "fork"
    return "forkserver" if is_warm else "spawn"


def _is_warm_here() -> bool:
    """Whether this process has imported all that is warm and runs no thread, which a fork would
    lose.
    """
    threads = Path("/proc/self/task")
    is_alone = threads.is_dir() and len([*threads.iterdir()]) == 1
    return is_alone and all(name in sys.modules for name in WARM_MODULES)


class _Inherited:
    """A file descriptor that a child of either kind receives and keeps open until it ends."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Any, ...]:
        return _receive, (reduction.DupFd(self.descriptor),)


def _receive(duplicate: Any) -> _Inherited:
    return _Inherited(duplicate.detach())


def _step(arguments: list[str], log: Path, environment: dict[str, str], lock: _Inherited) -> None:
    """A step's process: `python -m <arguments>` from the project folder, its output in the log."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a forked step has that of the run
    os.set_inheritable(lock.descriptor, False)
    output = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a log to be read while it grows
    run_module(arguments, environment)


def run_module(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """In a process of its own: `python -m <arguments>` from the project folder, in this environment
    and no other.
    """
    os.chdir(PROJECT)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(PROJECT))
    warnings.filterwarnings(
        "ignore", category=RuntimeWarning, module="runpy"
    )  # what is warm is imported already
    sys.argv = [*arguments]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
