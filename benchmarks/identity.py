"""Resolving a million accounts: from nothing, after a night with one per cent new ones, and the
graph step alone beside Splink's own clustering.

    python -m benchmarks identity --people 500000

The accounts are the demo group's, through the real loads and the real stage; what is measured is
the step resolve_identities, each time a process of its own. For the night after, one account in a
hundred is held back on the first one. Compare by ratio: the machine is shared.
"""

import argparse
import hashlib
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Measured, measured
from dags.pipeline import in_order, nightly, step_environment
from identity_resolution.components import find_components
from identity_resolution.engine import DuckDbEngine
from identity_resolution.nights import ORDERS, nights_of, show_night
from ingest.core.lake import Lake, write_parquet

RESULTS = Path(__file__).with_name("identity.md")
DAY = date(2026, 10, 29)
NEXT_DAY = DAY + timedelta(days=1)
HELD_BACK = 100  # one account in so many
RECORDS, EDGES, TURNS = 5_000_000, 2_400_000, 5
MISSING = "select * from read_parquet('{path}') where hash(source || account_id) % {n} <> 0"


def main(argv: Sequence[str]) -> int:
    """Measure and write the page; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks identity", description=__doc__)
    parser.add_argument("--people", type=int, default=500_000)
    parser.add_argument("--lake", type=Path, help="a lake in which this size is staged already")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="onemember-identity-") as folder:
        lake = Lake(options.lake or Path(folder) / "lake")
        keys = {} if options.lake else {"KEYS_FILE": str(Path(folder) / "keys.json")}
        os.environ.update(step_environment(lake.root), **keys)
        if options.lake is None:
            staged(options.people)
        nights = measured_nights(lake)
    text = "\n".join([*page(options.people, nights), *graph_step()])
    RESULTS.write_text(text, encoding="utf-8")
    print(text)
    return 0


def staged(people: int) -> None:
    """Make the demo group's accounts with next to no activity, and stage them."""
    measured("keys", ["-m", "ingest", "keys"])
    size = f"--people {people} --from {DAY} --nights 1 --history-days 1 --activity-percent 1"
    measured("demo", ["-m", "ingest", "demo", *size.split()])
    for step in in_order(nightly()):
        measured(step.name, ["-m", *step.arguments({"date": DAY.isoformat(), "replace": ""})])
        if step.name == "stage":
            return


def measured_nights(lake: Lake) -> dict[str, Measured]:
    """The step from nothing, and after a night without one account in a hundred."""
    [tonight] = pq.read_table(lake.tonight).to_pylist()
    schema = pq.read_schema(lake.tonight)
    nights = {"everybody, from nothing": resolved("from nothing", DAY)}
    whole = {name: lake.handover(name) for name in ("int_accounts", "int_identifiers")}
    rows = {name: pq.read_table(path) for name, path in whole.items()}
    for path in whole.values():
        kept = duckdb.sql(MISSING.format(path=path, n=HELD_BACK)).to_arrow_table()
        write_parquet(kept, path)
    resolved("without one in a hundred", DAY)
    changes = pq.read_table(lake.raw("identity", "link_changes", DAY), partitioning=None)
    write_parquet(changes, lake.posted("member_links", DAY))
    for name, path in whole.items():
        write_parquet(rows[name], path)
    following = tonight | {"business_date": NEXT_DAY, "previous_date": DAY}
    following["is_everything_touched"] = False
    write_parquet(pa.Table.from_pylist([following], schema), lake.tonight)
    nights["one per cent new"] = resolved("one per cent new", NEXT_DAY)
    touched = digest(lake)
    nights["the same night, everybody again"] = resolved("again", NEXT_DAY, "--full")
    if digest(lake) != touched:
        sys.exit("error: resolving what changed and resolving everybody differ")
    write_parquet(pa.Table.from_pylist([tonight], schema), lake.tonight)
    return nights


def resolved(name: str, night: date, *more: str) -> Measured:
    """The step resolve_identities of a night."""
    return measured(
        name, ["-m", "identity_resolution", "resolve", "--date", night.isoformat(), *more]
    )


def digest(lake: Lake) -> str:
    """Digest of everything that counts on the night after."""
    counted = hashlib.sha256()
    with duckdb.connect() as connection:
        engine = DuckDbEngine(connection)
        show_night(engine, lake, nights_of(lake, NEXT_DAY), list(ORDERS))
        for name, order in ORDERS.items():
            for batch in engine.rows(f"select * from {name} order by {order}").to_batches(65_536):
                counted.update(repr(batch.to_pydict()).encode())
    return counted.hexdigest()


def graph_step() -> list[str]:
    """Components of random edges, table to table, beside one scan and Splink's clustering."""
    from splink import DuckDBAPI  # noqa: PLC0415 - slow
    from splink.clustering import cluster_pairwise_predictions_at_threshold  # noqa: PLC0415

    connection = duckdb.connect()
    engine = DuckDbEngine(connection)
    chance = np.random.default_rng(1)
    low = chance.integers(0, RECORDS, EDGES)
    high = np.minimum(low + chance.integers(1, 20, EDGES), RECORDS - 1)
    kept = low < high
    ends = {"low": low[kept].astype(np.int32), "high": high[kept].astype(np.int32)}
    engine.load("edges", pa.table(ends))
    connection.execute(
        f"create table nodes as select cast(range as integer) as unique_id from range({RECORDS})"
    )
    connection.execute(
        "create table pairs as select low as unique_id_l, high as unique_id_r,"
        " 1.0 as match_probability from edges"
    )
    database = DuckDBAPI(connection)

    def scan() -> None:
        engine.rows("select low, high from edges")

    def ours() -> None:
        find_components(engine, "edges", "components")

    records, places = np.zeros(RECORDS, np.int32), [end.astype(np.int64) for end in ends.values()]
    in_edges = np.unique(np.concatenate(places)).astype(np.int32)
    written = pa.table({"account": in_edges, "component": in_edges})

    def floor() -> None:
        scan()
        for place in places:
            records.take(place)
        engine.load("written", written)

    def splinks() -> None:
        cluster_pairwise_predictions_at_threshold(
            "nodes", "pairs", database, node_id_column_name="unique_id",
            edge_id_column_name_left="unique_id_l", edge_id_column_name_right="unique_id_r",
            threshold_match_probability=0.5,
        )  # fmt: skip

    seconds = [median(work) for work in (scan, ours, splinks, floor)]
    names = (
        "one scan of the edges: both ends read",
        "components, table to table",
        "Splink's own clustering",
        "the floor: one scan, each end's record read once, the table written",
    )
    lines = [
        f"## The graph step: {RECORDS:,} records, {int(kept.sum()):,} edges\n",
        "| what | seconds | times ours |",
        "|---|---:|---:|",
    ]
    lines += [
        f"| {name} | {s:.3f} | {s / seconds[1]:.2f} |"
        for name, s in zip(names, seconds, strict=True)
    ]
    ours_in_scans, floor_in_scans = seconds[1] / seconds[0], seconds[3] / seconds[0]
    beside = f"the floor, which decides nothing, {floor_in_scans:.1f}"
    return [*lines, f"\nOurs takes {ours_in_scans:.1f} times the scan; {beside}.\n"]


def median(work: Callable[[], None]) -> float:
    """Median seconds of some work, after one run that is not counted."""
    work()
    seconds = []
    for _ in range(TURNS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def page(people: int, nights: dict[str, Measured]) -> list[str]:
    """The table of the nights."""
    whole = nights["the same night, everybody again"].wall_seconds
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, limit 6 GB"
    lines = [
        "# Resolving identities, measured\n",
        f"{people:,} people of the demo group, about twice as many accounts, {machine}.",
        "Compare by ratio: the machine is shared.\n",
        "| resolve_identities | wall s | cpu s | peak MB | of everybody |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, each in nights.items():
        lines.append(
            f"| {name} | {each.wall_seconds:.1f} | {each.cpu_seconds:.1f} |"
            f" {each.peak_bytes / 1e6:,.0f} | {each.wall_seconds / whole:.1%} |"
        )
    return [*lines, ""]
