"""Who may write into the lake: only whoever claimed it last.

A lock keeps a second run away while the first one lives. It does not help against one that was
stopped, taken for dead and replaced, and goes on afterwards. So each run, and each attempt of a
step in Airflow, claims a token that is larger than all before it, hands it to what it starts
(FENCE: `<token> <file>`), and nothing is renamed or removed in the lake under an older one (the
fencing tokens of Kleppmann, "How to do distributed locking", 2016). A command that a person starts
by hand has no token and asks nobody.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.core.errors import Problem

FENCE = "FENCE"
SECONDS_OF_A_COMMIT = 10.0  # a rename takes milliseconds
DIGITS = 12  # of a token and of a process


@dataclass(frozen=True)
class Claim:
    """A token, and the process that had claimed the one before it (0: none)."""

    text: str
    previous_process: int


def claim(path: Path) -> Claim:
    """Take a new token; from now on nothing is committed under the ones before.

    Problem if somebody is in the middle of a commit and does not come to its end, or the disk does
    not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT), "r+b") as file:
            _wait_for(file.fileno(), path)
            token, _, process = file.read().decode().partition(" ")
            number = int(token or 0) + 1
            # One write over the old one, as long as that: whoever is killed leaves either.
            os.pwrite(file.fileno(), f"{number:0{DIGITS}} {os.getpid():0{DIGITS}}".encode(), 0)
    except OSError as error:
        raise Problem(
            f"cannot write {path}: {error.strerror}; free space, or see who owns it"
        ) from error
    return Claim(f"{number:0{DIGITS}} {path}", int(process or 0))


@contextmanager
def fenced() -> Iterator[None]:
    """Let a block change the lake; Problem, before it begins, if another run has taken over, and
    OSError if the claims are gone.
    """
    if FENCE not in os.environ:
        yield
        return
    token, _, path = os.environ[FENCE].partition(" ")
    with Path(path).open(encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        newest, _, process = file.read().partition(" ")
        if newest != token:
            raise Problem(
                f"another run (process {int(process)}) has taken over this lake; this one wrote "
                "nothing more"
            )
        yield


def _wait_for(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + SECONDS_OF_A_COMMIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() > deadline:
                raise Problem(
                    f"{path} is held by a process that was stopped while it wrote; end it first"
                ) from error
            time.sleep(0.05)
        else:
            return
