"""A disk that is full before or during a night: readers keep the last version, and once there is
room again the night ends as a calm one.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dags.pipeline import in_order, nightly
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.night import BYTES_AT_LEAST, check_space, space_wanted
from tests.faults.conftest import Calm
from tests.faults.eventful_night import (
    begin_night,
    outcome_of,
    run_night,
    wait_until_stopped,
)
from tests.pipeline.nights import copied

SIZE = "400M"
# Where the disk fills up: the first write of each step that Python writes with.
STEPS = [step.name for step in in_order(nightly()) if not step.command.startswith("{dbt}")]


def test_a_night_wants_three_times_its_files_and_twice_what_is_published(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert space_wanted(lake, 1_000) == BYTES_AT_LEAST + 3_000
    version = tmp_path / "published" / "v1"
    version.mkdir(parents=True)
    (version / "marts.duckdb").write_bytes(b"x" * 500)
    (tmp_path / "published" / "current").symlink_to("v1")
    assert space_wanted(lake, 1_000) == BYTES_AT_LEAST + 4_000


def test_a_night_that_has_no_room_is_not_opened(tmp_path: Path) -> None:
    check_space(Lake(tmp_path), 1)
    with pytest.raises(Problem, match=r"has \d+ MB free, and the night wants about 1073741824 MB"):
        check_space(Lake(tmp_path), 1024**5)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte; the file that took them."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                os.write(file.fileno(), bytes(1 << 16))
        except OSError:
            return ballast


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS)
def test_a_disk_that_fills_up_in_a_step_spoils_nothing(
    calm: Calm, small_disk: Path, step: str
) -> None:
    lake = copied(calm.lake, small_disk)
    before = outcome_of(lake)["version"]
    run = begin_night(lake, "--jobs", "1", STOP_AT=f"{step}/before write/1")
    process = wait_until_stopped(lake)
    ballast = fill(small_disk)
    os.kill(process, signal.SIGCONT)
    _, said = run.communicate()
    assert run.returncode == 1
    assert b"error: " in said or b"Error" in said
    if step == "export":
        before = calm.outcome["version"]
    assert outcome_of(lake)["version"] == before
    ballast.unlink()
    done = run_night(lake, "--resume")
    assert done.returncode == 0, done.stdout + done.stderr
    assert outcome_of(lake) == calm.outcome
