"""The night that the fault tests disturb: 2 November after the worked example, which corrects what
October said, posts differences and writes statements to date.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

from ingest.core.lake import TEMPORARY
from tests.pipeline.nights import PROJECT, copied, environment_of, run_command
from tests.pipeline.test_corrections import NIGHTS, deliver_night, deliveries

NIGHT: date = NIGHTS[0]
BUSY = "another run uses"
SECONDS_TO_WAIT = 300


def before_the_night(worked_lake: Path, folder: Path) -> Path:
    """A copy of the worked example's lake in which the night is delivered and not run."""
    lake = copied(worked_lake, folder)
    deliver_night(lake, NIGHT, deliveries()[0])
    return lake


def run_night(lake: Path, *how: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the night once nobody else does: steps of a killed run may still be at work."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while True:
        done = run_command(lake, "dags", "run", "--date", NIGHT.isoformat(), *how, **changes)
        if BUSY not in done.stderr or time.monotonic() > deadline:
            return done
        time.sleep(0.5)


def begin_night(lake: Path, *how: str, **changes: str) -> subprocess.Popen[bytes]:
    """Start the night and do not wait for it."""
    return begin(lake, "run", "--date", NIGHT.isoformat(), *how, **changes)


def begin(lake: Path, *arguments: str, **changes: str) -> subprocess.Popen[bytes]:
    """Start `python -m dags …` on a lake; what it says on errors can be read."""
    return subprocess.Popen(
        [sys.executable, "-m", "dags", *arguments], cwd=PROJECT,
        env=environment_of(lake) | changes, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_until_stopped(lake: Path) -> int:
    """Wait for a process of a lake to stop at STOP_AT; which it is."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while time.monotonic() < deadline:
        for process in processes_on(lake):
            with suppress(OSError):
                status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
                if status == "T":
                    return process
        time.sleep(0.05)
    raise TimeoutError(f"nothing stopped within {SECONDS_TO_WAIT} s")


def processes_on(lake: Path) -> Iterator[int]:
    """The processes that were started for a lake, also those whose run is gone."""
    wanted = f"LAKE_ROOT={lake}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)


def kill_all_on(lake: Path) -> None:
    """`kill -9` for everything that works on a lake, until nothing is left."""
    while alive := [*processes_on(lake)]:
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.05)


def outcome_of(lake: Path) -> dict[str, str]:
    """A digest of everything that counts: the published marts, what was posted, what was sent; not
    what a killed process left half written, which the next night takes away.
    """
    manifest = json.loads((lake / "published" / "current" / "manifest.json").read_text("utf-8"))
    found = {"version": manifest["version"], "marts": manifest["digest"]}
    for zone in ("posted", "outbox"):
        for path in sorted((lake / zone).rglob("*")):
            if path.is_file() and not TEMPORARY.fullmatch(path.name):
                name = path.relative_to(lake).as_posix()
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
