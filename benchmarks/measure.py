"""Measures one Python process: its time and its own peak of memory."""

import os
import shlex
import sys
import time
from dataclasses import dataclass

from dags.pipeline import NOTHING_NEW


@dataclass(frozen=True)
class Measured:
    """What one process took."""

    name: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measured(name: str, arguments: list[str]) -> Measured:
    """Run Python with these arguments in the project and measure it; exits if it fails."""
    print(f"  {name} …", file=sys.stderr, flush=True)
    started = time.monotonic()
    process = os.posix_spawn(
        sys.executable, [sys.executable, *arguments], os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )  # fmt: skip
    _, status, usage = os.wait4(process, 0)
    wall = time.monotonic() - started
    if os.waitstatus_to_exitcode(status) not in (0, NOTHING_NEW):
        sys.exit(f"error: {name} failed; run 'python {shlex.join(arguments)}' to see why")
    return Measured(name, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
