"""What the night costs through Airflow beside the command line, and where the time goes.

    python -m benchmarks airflow --people 1500 --turns 3

Both run the first night of the same demo group, in lakes of their own, taken in turns: Airflow with
PostgreSQL as `make airflow DB=postgres` serves it, its services up before the clock starts; the
command line as `python -m dags run`. A night of Airflow is from the start of its run to its end. It
has published what the command line has, or there is no table. Compare by ratio.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb

from benchmarks.measure import measured
from benchmarks.served import Served, served
from dags.pipeline import parts, step_environment

RESULTS = Path(__file__).with_name("airflow.md")
NIGHT = date(2026, 10, 29)
SECONDS_AT_MOST = 3600.0


def main(argv: Sequence[str]) -> int:
    """Measure and write the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks airflow", description=__doc__)
    parser.add_argument("--people", type=int, default=1500)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--port", type=int, default=8123)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="onemember-bench-") as folder:
        return _measure(Path(folder), options.people, options.turns, options.port)


def _measure(folder: Path, people: int, turns: int, port: int) -> int:
    keys, made, lake = folder / "keys.json", folder / "made", folder / "airflow" / "lake"
    os.environ.update(step_environment(made), KEYS_FILE=str(keys))
    measured("keys", ["-m", "ingest", "keys"])
    measured("demo", ["-m", "ingest", "demo", *f"--people {people} --nights 1".split(),
                      "--from", NIGHT.isoformat()])  # fmt: skip
    shutil.copytree(made, lake)
    by_command, by_airflow, tasks = [], [], {}
    with served(folder / "home", lake, keys, port) as airflow:
        airflow.switch_on("nightly")
        for turn in range(turns):
            alone = folder / "alone" / str(turn)
            shutil.copytree(made, alone)
            os.environ.update(step_environment(alone))
            night = measured("command line", ["-m", "dags", "run", "--date", NIGHT.isoformat()])
            by_command.append(night.wall_seconds)
            shutil.rmtree(lake)
            shutil.copytree(made, lake)
            seconds, tasks = _night(airflow, f"turn-{turn}")
            by_airflow.append(seconds)
            if _digest(alone) != _digest(lake):
                sys.exit("error: Airflow published something else than the command line")
    text = _page(people, _activities(lake), by_command, by_airflow, tasks)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def _night(airflow: Served, name: str) -> tuple[float, dict[str, float]]:
    """One night in Airflow: its seconds, and those of each task."""
    print(f"  Airflow, {name} …", file=sys.stderr, flush=True)
    airflow.trigger("nightly", name, {"business_date": NIGHT.isoformat()})
    until = time.monotonic() + SECONDS_AT_MOST
    while time.monotonic() < until:
        run = airflow.runs("nightly")[name]
        if run["state"] in {"success", "failed"}:
            break
        time.sleep(5)
    if run["state"] != "success":
        sys.exit(f"error: the night in Airflow is {run['state']}")
    tasks = airflow.tasks("nightly", name)
    return _seconds(run), {part.name: _seconds(tasks[part.name]) for part in parts()}


def _seconds(ran: dict[str, str]) -> float:
    began, ended = (datetime.fromisoformat(ran[name]) for name in ("start_date", "end_date"))
    return (ended - began).total_seconds()


def _digest(lake: Path) -> str:
    manifest = lake / "published" / "current" / "manifest.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["digest"])


def _activities(lake: Path) -> int:
    marts = lake / "published" / "current" / "marts.duckdb"
    with duckdb.connect(str(marts), read_only=True) as connection:
        found = connection.execute("select count(*) from fct_activities").fetchone()
    return int(found[0]) if found else 0


def _page(
    people: int,
    activities: int,
    by_command: Sequence[float],
    by_airflow: Sequence[float],
    tasks: dict[str, float],
) -> str:
    ratios = [one / other for one, other in zip(by_airflow, by_command, strict=True)]
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    load = os.getloadavg()[2]
    what = (
        f"The first night of {people:,} people, {activities:,} activities, on {machine}, "
        f"Python {platform.python_version()}; load {load:.1f}. Airflow with PostgreSQL and the "
        "LocalExecutor. Taken in turns; compare by ratio.\n"
    )
    lines = [
        "# The night through Airflow, measured\n",
        what,
        "| turn | command line s | Airflow s | Airflow / command line |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {turn} | {alone:.1f} | {through:.1f} | {ratio:.2f} |"
        for turn, (alone, through, ratio) in enumerate(
            zip(by_command, by_airflow, ratios, strict=True), 1
        )
    ]
    lines.append(
        f"| **median** | {statistics.median(by_command):.1f} | {statistics.median(by_airflow):.1f} "
        f"| **{statistics.median(ratios):.2f}** |"
    )
    between = by_airflow[-1] - sum(tasks.values())
    lines += ["\n| task of the last turn | s |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.1f} |" for name, seconds in tasks.items()]
    lines.append(f"| between tasks | {between:.1f} |\n")
    return "\n".join(lines)
