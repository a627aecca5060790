"""The night at a chosen size, step by step, beside the bare floor of the same machine.

    python -m benchmarks --people 100000 --nights 2
    python -m benchmarks scale                          how the first night grows, by engine
    python -m benchmarks airflow                        the night through Airflow beside this
    python -m benchmarks load                           loading one large file
    python -m benchmarks identity                       resolving a million accounts
    python -m benchmarks ledger                         rating and folding thirty million activities
    python -m benchmarks settlement                     a month, from orders and points to packs
    python -m benchmarks records                        how right any table of records is resolved

The floor is what nobody can go below: in the same run, DuckDB reads the same landing files as text
and groups them once. Each step is a process of its own, so its wall time contains its start, and
its memory is its own peak.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb

from benchmarks import airflow, identity, ledger, load, records, scale, settlement
from benchmarks.measure import Measured, measured
from dags.pipeline import PROJECT, in_order, nightly, step_environment
from ingest.core.contract import Table, load_source, source_names

RESULTS = Path(__file__).with_name("night.md")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the table; returns the exit status."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    others = {
        "airflow": airflow.main,
        "scale": scale.main,
        "load": load.main,
        "identity": identity.main,
        "ledger": ledger.main,
        "records": records.main,
        "settlement": settlement.main,
    }
    if arguments and arguments[0] in others:
        return others[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--nights", type=int, default=2)
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default="2026-10-29")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="onemember-bench-") as folder:
        lake = Path(folder) / "lake"
        os.environ.update(step_environment(lake), KEYS_FILE=str(Path(folder) / "keys.json"))
        measured("keys", ["-m", "ingest", "keys"])
        size = f"--people {options.people} --from {options.first} --nights {options.nights}"
        made = measured("demo", ["-m", "ingest", "demo", *size.split()])
        tables = [
            night_table(lake, options.first + timedelta(days=number))
            for number in range(options.nights)
        ]
        free = shutil.disk_usage(folder).free
    text = page(options.people, made, tables, free)
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def night_table(lake: Path, night: date) -> str:
    """Run one night, each step measured, and the floor; the table in Markdown."""
    rows, floor_seconds = floor(lake, night)
    steps = [
        measured(step.name, ["-m", *step.arguments({"date": night.isoformat(), "replace": ""})])
        for step in in_order(nightly())
    ]
    wall = sum(step.wall_seconds for step in steps)
    lines = [
        f"### Night of {night}: {rows:,} landing rows\n",
        "| step | wall s | cpu s | rows/s | peak MB |",
        "|---|---:|---:|---:|---:|",
    ]
    total = Measured(
        "**all steps, one after the other**",
        wall,
        sum(s.cpu_seconds for s in steps),
        max(s.peak_bytes for s in steps),
    )
    for step in (
        *steps,
        total,
        Measured("floor: read and group once", floor_seconds, floor_seconds, 0),
    ):
        speed = f"{rows / step.wall_seconds:,.0f}"
        peak = f"{step.peak_bytes / 1e6:,.0f}" if step.peak_bytes else ""
        lines.append(
            f"| {step.name} | {step.wall_seconds:.1f} | {step.cpu_seconds:.1f} | {speed} | {peak} |"
        )
    lines.append(f"\nThe night takes **{wall / floor_seconds:.0f} times** the floor.\n")
    return "\n".join(lines)


def floor(lake: Path, night: date) -> tuple[int, float]:
    """Rows in a night's landing files, and the seconds DuckDB takes to read and group them."""
    project = PROJECT / "dbt_project"
    started = time.monotonic()
    rows = 0
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
        for name in source_names(project):
            for table in load_source(project, name).tables:
                rows += grouped_rows(
                    connection,
                    table,
                    lake / "landing" / name / night.isoformat() / table.file_name(night),
                )
    return rows, time.monotonic() - started


def grouped_rows(connection: duckdb.DuckDBPyConnection, table: Table, path: Path) -> int:
    """Read one landing file as text, group it by its last key column, count it."""
    if table.format == "csv":
        # DuckDB reads UTF-8; turning the bytes into it is part of the floor.
        utf8 = path.with_suffix(".utf8")
        utf8.write_bytes(path.read_bytes().decode(table.encoding or "utf-8").encode())
        relation = f"read_csv('{utf8}', all_varchar = true, header = true)"
    elif table.format == "jsonl":
        relation = f"read_json('{path}', format = 'newline_delimited')"
    else:
        relation = f"read_parquet('{path}')"
    column = table.column(table.key[-1]).header
    groups = f'select "{column}", count(*) as rows from {relation} group by 1'
    found = connection.execute(f"select coalesce(sum(rows), 0) from ({groups})").fetchone()
    path.with_suffix(".utf8").unlink(missing_ok=True)
    return int(found[0]) if found else 0


def page(people: int, made: Measured, tables: list[str], free_bytes: int) -> str:
    """The whole result page."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    python = f"Python {platform.python_version()}"
    size = f"{made.wall_seconds:.1f} s, {made.peak_bytes / 1e6:,.0f} MB"
    return "\n".join(
        [
            "# The night, measured\n",
            f"{people:,} people on {machine}, {python}, {free_bytes / 1e9:.0f} GB free.",
            "Compare by ratio: the machine is shared. The first night carries the history.\n",
            f"Making the demo group of {people:,} people: {size}.\n",
            *tables,
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
