"""Ends a run that was taken for dead: whatever still holds its lock.

A stopped or hanging process holds the lock for ever; so do the steps of a run that was killed,
until they end. All of them are found by the file that they hold open (Linux: /proc).
"""

import os
import signal
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

SECONDS_TO_END = 10.0
STOPPED = {"T", "t"}  # by a signal, by a debugger


def end_holders(path: Path, only: Collection[int] | None = None) -> None:
    """`kill -9` for each process, but this one, that holds a file open; if told, only for some and
    for what they have started.
    """
    deadline = time.monotonic() + SECONDS_TO_END
    chosen = None if only is None else {*only}.union(*map(descendants, only))
    while time.monotonic() < deadline:
        found = [each for each in holders(path) if chosen is None or each in chosen]
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def is_stopped(process: int) -> bool:
    """Whether a process was stopped (SIGSTOP) and goes on only when somebody lets it."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:  # it has ended meanwhile
        return False
    return status.rpartition(")")[2].split()[0] in STOPPED


def holders(path: Path) -> Iterator[int]:
    """The processes, but this one, that hold a file open, as far as this user may see them."""
    wanted = path.resolve()
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) == os.getpid():
            continue
        with suppress(OSError):  # it may end while we look, or be somebody else's
            if any(Path(os.readlink(link)) == wanted for link in (folder / "fd").iterdir()):
                yield int(folder.name)


def descendants(process: int) -> set[int]:
    """The processes that a process has started, directly or not, and that live."""
    found: set[int] = set()
    with suppress(OSError):
        for tasks in Path(f"/proc/{process}/task").glob("*/children"):
            for child in map(int, tasks.read_text().split()):
                found |= {child, *descendants(child)}
    return found
