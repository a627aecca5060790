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


@dataclass(frozen=True)
class Claim:
    """A token, and the process that had claimed the one before it (0: none)."""

    text: str
    previous_process: int


def claim(path: Path) -> Claim:
    """Take a new token; from now on nothing is committed under the ones before.

    Problem if somebody is in the middle of a commit and does not come to its end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        _wait_for(file.fileno(), path)
        file.seek(0)
        token, _, process = file.read().partition(" ")
        number = int(token or 0) + 1
        file.truncate(0)
        file.write(f"{number} {os.getpid()}")
    return Claim(f"{number} {path}", int(process or 0))


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
                f"another run (process {process}) has taken over this lake; this one wrote nothing "
                "more"
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
