"""The commands of production, without their imports.

A command that runs a night imports dbt, Great Expectations and others for 12 s of CPU. Tests run a
hundred of them, so each test process imports once and forks its commands from a process that has
used nothing of what it imported, as the runner does with its steps.
"""

import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from pathlib import Path

from dags.runner import WARM_MODULES, run_module


def run_warm(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`python -m <arguments>` from the project folder, in this environment and no other."""
    forkserver.set_forkserver_preload(WARM_MODULES)
    with tempfile.TemporaryDirectory() as kept:
        outputs = [Path(kept) / name for name in ("out", "err")]
        process = multiprocessing.get_context("forkserver").Process(
            target=_command, args=(arguments, dict(environment), outputs)
        )
        process.start()
        process.join()
        said = [path.read_text(encoding="utf-8") if path.exists() else "" for path in outputs]
    assert process.exitcode is not None, "it was waited for"
    return subprocess.CompletedProcess([*arguments], process.exitcode, *said)


def _command(arguments: Sequence[str], environment: dict[str, str], outputs: list[Path]) -> None:
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    run_module(arguments, environment)
