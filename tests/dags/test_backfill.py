"""A backfill in Airflow with PostgreSQL, killed in the middle and resumed, ends as a calm one.

DATES is thirty; ONEMEMBER_BACKFILL_DATES makes it fewer for a quick look.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.served import Served, served
from dags.pipeline import PROJECT, parts
from dags.takeover import descendants
from tests.faults.eventful_night import outcome_of

FIRST = date(2026, 10, 15)
DATES = int(os.environ.get("ONEMEMBER_BACKFILL_DATES", "30"))
PATIENCE_SECONDS = 4 * 3600.0


def command(lake: Path, *arguments: str) -> None:
    own = {"LAKE_ROOT": str(lake), "KEYS_FILE": str(lake.parent / "keys.json")}
    subprocess.run(
        [sys.executable, "-m", *arguments], cwd=PROJECT, env=os.environ | own, check=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], Any]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until
        time.sleep(2)


def kill_scheduler_and_tasks(airflow: Served) -> None:
    """`kill -9` for the scheduler, what runs its tasks, and the tasks."""
    for process in descendants(airflow.process.pid):
        line = Path(f"/proc/{process}/cmdline")
        if line.exists() and b"beside" in line.read_bytes():
            for each in (process, *descendants(process)):
                os.kill(each, signal.SIGKILL)
            return
    raise AssertionError("no scheduler is running")


def states(airflow: Served, dag: str) -> dict[str, str]:
    return {name: run["state"] for name, run in airflow.runs(dag).items()}


def succeeded(airflow: Served) -> int:
    nights = states(airflow, "nightly").items()
    return sum(state == "success" for name, state in nights if name.startswith("backfill__"))


@pytest.mark.long
def test_thirty_dates_killed_in_the_middle_and_resumed_end_as_by_command(
    tmp_path: Path, home: Path
) -> None:
    last = FIRST + timedelta(days=DATES - 1)
    span = {"from_date": FIRST.isoformat(), "to_date": last.isoformat()}
    lake, twin = tmp_path / "lake", tmp_path / "twin"
    command(lake, "ingest", "keys")
    size = f"--people 100 --history-days 20 --from {FIRST} --nights {DATES}"
    command(lake, "ingest", "demo", *size.split())
    shutil.copytree(lake, twin)
    keys, port = tmp_path / "keys.json", free_port()

    with served(home, lake, keys, port) as airflow:
        airflow.switch_on("nightly", "backfill")
        airflow.trigger("backfill", "first", span)
        wait_until(lambda: succeeded(airflow) >= DATES // 2)
        night = f"backfill__{FIRST + timedelta(days=DATES // 2)}"
        wait_until(lambda: night in states(airflow, "nightly"))
        wait_until(lambda: airflow.tasks("nightly", night)["points"]["state"] == "running")
        kill_scheduler_and_tasks(airflow)
        assert airflow.process.wait() == 1  # one of the services has ended by itself

    with served(home, lake, keys, port) as airflow:
        wait_until(lambda: succeeded(airflow) == DATES)
        # The night that was killed was gone on with, not begun anew.
        tried = {name: task["try_number"] for name, task in airflow.tasks("nightly", night).items()}
        assert (tried["open"], tried["members"]) == (1, 1)
        wait_until(lambda: set(states(airflow, "backfill").values()) == {"success"})

        before = outcome_of(lake)
        airflow.ask(
            "POST", "dags/nightly/clearTaskInstances",
            {"dag_run_id": f"backfill__{last}", "task_ids": ["build"], "include_downstream": True,
             "only_failed": False, "dry_run": False},
        )  # fmt: skip
        wait_until(lambda: succeeded(airflow) == DATES - 1)
        wait_until(lambda: succeeded(airflow) == DATES)
        again = airflow.tasks("nightly", f"backfill__{last}")
        names = [part.name for part in parts()]
        assert [name for name in names if again[name]["try_number"] > 1] == names[4:]
        assert outcome_of(lake) == before

    command(twin, "dags", "backfill", "--from", span["from_date"], "--to", span["to_date"])
    assert outcome_of(lake) == outcome_of(twin)
