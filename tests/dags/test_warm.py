"""The warm process beside Airflow's scheduler: it does what is asked, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dags.pipeline import PROJECT
from dags.warm import SOCKET, SOCKET_PYTHON, ask

ASK = (
    "import sys; from dags.warm import ask; sys.exit(ask(['tests.dags.fake_step', *sys.argv[1:]]))"
)
PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("warm") / "socket"
    command = [sys.executable, "-m", "dags", "beside", "--socket", str(path), "sleep", "3600"]
    with subprocess.Popen(command, cwd=PROJECT) as server:
        wait_until(path.exists)
        yield path
        server.terminate()
    assert not path.exists()


def asked(warm: Path, status: int, folder: Path, name: str) -> subprocess.Popen[str]:
    """A process that asks for a fake step with this exit status."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(status), str(folder), name],
        env=os.environ
        | {SOCKET: str(warm), SOCKET_PYTHON: sys.executable, "NIGHT_OF": "the warm"},
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def wait_until(is_so: object) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so() and time.monotonic() < until:  # type: ignore[operator]
        time.sleep(0.05)
    assert is_so()  # type: ignore[operator]


def process_of(folder: Path, name: str) -> int:
    """The process of a step that has begun."""
    began = folder / f"{name}.began"
    wait_until(lambda: began.exists() and began.read_text())
    return int(began.read_text().split()[1])


def is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("status", [0, 99])
def test_what_is_asked_is_done_in_our_environment_and_writes_to_us(
    warm: Path, tmp_path: Path, status: int
) -> None:
    asking = asked(warm, status, tmp_path, "one")
    said, _ = asking.communicate()
    assert said == f"one ran in {PROJECT} for the warm\n"
    assert asking.returncode == status
    assert process_of(tmp_path, "one") != asking.pid


def test_an_error_comes_out_whole_and_fails(warm: Path, tmp_path: Path) -> None:
    asking = asked(warm, 2, tmp_path, "one")
    said, _ = asking.communicate()
    assert "RuntimeError: no one expected this" in said
    assert asking.returncode == 1


def test_a_step_ends_with_who_asked_for_it(warm: Path, tmp_path: Path) -> None:
    asking = asked(warm, 601_000, tmp_path, "one")
    step = process_of(tmp_path, "one")
    asking.kill()
    asking.communicate()
    wait_until(lambda: is_gone(step))
    assert not (tmp_path / "one.ended").exists()


def test_a_killed_step_fails_and_leaves_no_process_of_its_own_behind(
    warm: Path, tmp_path: Path
) -> None:
    asking = asked(warm, 3, tmp_path, "one")
    step = process_of(tmp_path, "one")
    child = process_of(tmp_path, "one.child")
    os.kill(step, signal.SIGKILL)
    asking.communicate()
    assert asking.returncode == 128 + signal.SIGKILL
    wait_until(lambda: is_gone(child))


def test_where_nobody_answers_the_command_does_it_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SOCKET, raising=False)
    assert ask(["tests.dags.fake_step"]) is None
    monkeypatch.setenv(SOCKET, str(tmp_path / "nobody"))
    monkeypatch.setenv(SOCKET_PYTHON, sys.executable)
    assert ask(["tests.dags.fake_step"]) is None


def test_a_process_of_another_python_is_not_asked(
    warm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SOCKET, str(warm))
    monkeypatch.setenv(SOCKET_PYTHON, "/elsewhere/bin/python")
    assert ask(["tests.dags.fake_step"]) is None


def test_the_warm_process_ends_with_its_command_and_its_status(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    command = [sys.executable, "-m", "dags", "beside", "--socket", str(path)]
    ended = subprocess.run([*command, "sh", "-c", "exit 3"], cwd=PROJECT, check=False)
    assert ended.returncode == 3
    assert not path.exists()
