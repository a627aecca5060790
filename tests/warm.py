"""The commands of production, without their imports.

A command that runs a night imports dbt, Great Expectations and others for 12 s of CPU. Tests run a
hundred of them, so each test process imports once and forks its commands from a process that has
used nothing of what it imported, as the runner does with its steps.
"""

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import forkserver
from pathlib import Path

from dags.runner import WARM_MODULES


def run_warm(
    arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """`python -m <arguments>` from a folder of the project, in this environment and no other."""
    forkserver.set_forkserver_preload(WARM_MODULES)
    with tempfile.TemporaryDirectory() as kept:
        outputs = [Path(kept) / name for name in ("out", "err")]
        process = multiprocessing.get_context("forkserver").Process(
            target=_command, args=(arguments, folder, dict(environment), outputs)
        )
        process.start()
        process.join()
        said = [path.read_text(encoding="utf-8") if path.exists() else "" for path in outputs]
    assert process.exitcode is not None, "it was waited for"
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)


def _command(
    arguments: tuple[str, ...], folder: Path, environment: dict[str, str], outputs: list[Path]
) -> None:
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path.insert(0, str(folder))
    sys.argv = [*arguments]
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
