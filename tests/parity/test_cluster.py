"""A night on a standalone cluster that loses a worker."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.parity.differences import differences
from tests.parity.test_parity import version
from tests.pipeline import worked_example
from tests.pipeline.nights import PROJECT, environment_of

NIGHT = worked_example.NIGHTS[0].isoformat()
SECONDS_INTO_THE_STEP = 5


@pytest.mark.long
def test_a_night_that_loses_a_worker_publishes_the_same(worked_lake: Path) -> None:
    lake = worked_lake.parent / "cluster"
    shutil.copytree(worked_lake / "landing", lake / "landing")
    command = [sys.executable, "-m", "dags", "cluster", "--workers", "2", "run", "--date", NIGHT]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment_of(lake), stdout=subprocess.PIPE, text=True
    ) as night:
        assert night.stdout is not None
        workers = night.stdout.readline().removeprefix("cluster: workers ").split(", ")
        assert len(workers) == 2
        while not (lake / "work" / "logs" / NIGHT / "activities.log").exists():
            assert night.poll() is None
            time.sleep(0.2)
        time.sleep(SECONDS_INTO_THE_STEP)
        os.kill(int(workers[0]), signal.SIGKILL)
        said = night.stdout.read()
    assert night.returncode == 0, said
    assert differences(version(worked_lake, NIGHT), version(lake, NIGHT)) == []
