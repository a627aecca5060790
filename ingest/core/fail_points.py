"""Where the fault tests kill a process: before and after every write, sync, rename and removal.

A point is passed by a step, or by the run itself between its steps. The environment variable
CRASH_AT names one passage, `<step>/<point>/<n>`, and the process that makes it kills itself as
`kill -9` would; at the one that STOP_AT names it stops until somebody lets it go on. The run's own
step is `run`. CRASH_LOG names a file to which every passage is added, so that the tests know which
there are. Without them a point costs three looks into the environment.
"""

import os
import signal
from collections import Counter
from pathlib import Path
from threading import Lock

CRASH_LOG, STEP = "CRASH_LOG", "STEP"
SIGNALS = {"CRASH_AT": signal.SIGKILL, "STOP_AT": signal.SIGSTOP}
_PASSED: Counter[str] = Counter()
_COUNTING = Lock()  # threads pass points, too


def fail_point(point: str) -> None:
    """Pass a point, unless this passage is the one to crash at."""
    if not any(name in os.environ for name in (*SIGNALS, CRASH_LOG)):
        return
    with _COUNTING:
        _PASSED[point] += 1
        number = _PASSED[point]
    passage = f"{os.environ.get(STEP, 'run')}/{point}/{number}"
    if log := os.environ.get(CRASH_LOG):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(passage + "\n")
    for name, signal_ in SIGNALS.items():
        if os.environ.get(name) == passage:
            os.kill(os.getpid(), signal_)
