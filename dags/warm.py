"""A process that has imported the large libraries already, and is forked for each task of Airflow.

A step that begins in a fresh interpreter imports for 1 to 6 s before it works; a night has more
than twenty. The command line forks them from one warm process. Airflow starts each task as a
command of its own, so this process waits beside Airflow's scheduler, and the command asks it to do
the work. Where nobody answers, the command does it itself.

What is written goes straight to whoever asked, and the work ends with who asked for it.
"""

import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from dags.runner import SECONDS_TO_STOP, WARM_MODULES, Trouble, run_module
from dags.takeover import descendants

SOCKET = "ONEMEMBER_WARM"  # in the environment: where the warm process answers
SOCKET_PYTHON = "ONEMEMBER_WARM_PYTHON"  # and which Python it is
FAILED = 1
PR_SET_CHILD_SUBREAPER = 36  # Linux: prctl(2)


def run_beside(command: Sequence[str], path: Path) -> int:
    """Run a command with a warm process at `path` beside it, until the command ends; its status."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(path))
        except OSError as error:
            raise Trouble(f"cannot listen at {path}: {error.strerror or error}") from error
        path.chmod(0o600)
        listener.listen()
        process = subprocess.Popen(
            [*command],
            env={**os.environ, SOCKET: str(path), SOCKET_PYTHON: sys.executable},
            close_fds=False,  # it holds what whoever started us lets us hold
        )
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        for name in WARM_MODULES:
            with suppress(ImportError):
                import_module(name)
        _answer(listener, process)
        path.unlink(missing_ok=True)
        return process.returncode


def ask(arguments: Sequence[str]) -> int | None:
    """Let the warm process run `python -m <arguments>` with our environment and output; its exit
    status, or None if nobody answers.
    """
    path = os.environ.get(SOCKET)
    if not path or os.environ.get(SOCKET_PYTHON) != sys.executable:
        return None  # another Python has other libraries
    own = {name: value for name, value in os.environ.items() if name != SOCKET}
    request = json.dumps({"arguments": [*arguments], "environment": own}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        try:
            server.connect(path)
        except OSError:
            return None
        socket.send_fds(server, [len(request).to_bytes(4, "big")], [1, 2])
        server.sendall(request)
        answer = server.recv(1)
    return answer[0] if answer else FAILED


def _answer(listener: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """Fork a keeper for each request, until the process ends."""
    end = os.pidfd_open(process.pid)
    while True:
        ready, _, _ = select.select([listener, end], [], [])
        _reap(process.pid)
        if end in ready:
            process.wait()
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            os.close(end)
            os._exit(_keep(connection))
        connection.close()


def _reap(but: int) -> None:
    """Let go of keepers that ended, and of no other process."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    for child in map(int, children.split()):
        if child != but:
            os.waitpid(child, os.WNOHANG)


def _keep(connection: socket.socket) -> int:
    """In a process of its own: start the step that is asked for, and answer with its exit status;
    end it when who asked has gone.
    """
    os.setsid()  # a signal to the scheduler's group is none to us: the step is ended in good order
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    length, outputs, _, _ = socket.recv_fds(connection, 4, 2)
    if len(length) < 4 or len(outputs) < 2:
        return FAILED
    request = json.loads(connection.makefile("rb").read(int.from_bytes(length, "big")))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # what a killed step leaves comes to us
    step = os.fork()
    if step == 0:
        connection.close()
        _begin(request["arguments"], request["environment"], outputs)
    for output in outputs:
        os.close(output)
    end = os.pidfd_open(step)
    ready, _, _ = select.select([connection, end], [], [])
    if end not in ready:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(step, number)
            select.select([end], [], [], SECONDS_TO_STOP)
    _, status = os.waitpid(step, 0)
    for left in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    with suppress(OSError):
        connection.sendall(bytes([code if code >= 0 else 128 - code]))
    return 0


def _begin(arguments: list[str], environment: dict[str, str], outputs: Sequence[int]) -> None:
    """In a process of its own: be the step; never returns."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number, output in enumerate(outputs, 1):
        os.dup2(output, number)
        os.close(output)
    code = FAILED
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        run_module(arguments, environment)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else FAILED if end.code else 0
    except BaseException:  # noqa: BLE001 - whatever it is, it belongs into the log of the step
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
