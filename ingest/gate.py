"""The gate between loading and everything else: what landed tonight, judged by its suites.

A source whose batch fails a critical expectation is taken back whole, as if its deliveries had been
refused: its business is provisional, the others go on. What only warns is written down.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.contract import Source, load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake, remove, write_parquet
from ingest.core.log import step_log
from ingest.core.settings import Settings
from ingest.deliveries import ACCEPTED, DELIVERIES, REFUSED, Record, refused_record
from ingest.expectation_files import view_name
from ingest.partitions import raw_schema
from ingest.releases import RELEASED_NAME
from ingest.staged import ZONES

USUAL_DAYS = 28
TAKEN_BACK = "gate: "
OUTCOMES = pa.schema(
    [
        ("source", pa.string()),
        ("table_name", pa.string()),
        ("expectation", pa.string()),
        ("severity", pa.string()),
        ("is_met", pa.bool_()),
        ("observed", pa.string()),
    ]
)
LOG = step_log("gate")


def gate(settings: Settings, night: date) -> list[Record]:
    """Judge what was loaded for a night, take back what fails; the outcome of each expectation.

    Problem if a source fails without which its contract lets no night go on.
    """
    lake = Lake(settings.lake)
    path = lake.raw_night("expectations", night)
    kept = pq.ParquetFile(path).read().to_pylist() if path.is_file() else []
    outcomes: list[Record] = []
    sources = []
    for name in source_names(settings.dbt_project):
        source = load_source(settings.dbt_project, name)
        if _was_taken_back(lake, name, night):
            outcomes += [record for record in kept if record["source"] == name]
            _remove_delivered(lake, source, night)
        else:
            sources.append(source)
    outcomes += _judge(settings, lake, sources, night)
    outcomes.sort(key=lambda record: str(record["source"]))
    # First what was found: a gate that is killed while it takes back knows it when it runs again.
    write_parquet(pa.Table.from_pylist(outcomes, OUTCOMES), path)
    for source in sources:
        failed = [
            record for record in outcomes if record["source"] == source.name and _is_refusal(record)
        ]
        if failed:
            _take_back(lake, source, night, failed)
    return outcomes


def _judge(settings: Settings, lake: Lake, sources: Sequence[Source], night: date) -> list[Record]:
    from ingest.core.expectations import run_suites  # noqa: PLC0415 - slow to import
    from ingest.suites import source_suites  # noqa: PLC0415

    database = lake.work / "gate.duckdb"
    remove(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    suites: dict[str, Any] = {}
    names: dict[str, tuple[str, str]] = {}
    with duckdb.connect(str(database)) as connection:
        for source in sources:
            for table in source.tables:
                names[view_name(source, table.name)] = (source.name, table.name)
                _show(connection, lake, source, table.name, night)
            suites |= source_suites(settings.dbt_project, source)
    found = run_suites(database, {}, suites)
    remove(database)
    records = []
    for outcome in found:
        source_name, table_name = names[outcome.table]
        if not outcome.success:
            told = f"{source_name}.{table_name}: {outcome.expectation}: {outcome.observed}"
            LOG.warning("%s (%s)", told, outcome.severity)
        records.append(
            {
                "source": source_name,
                "table_name": table_name,
                "expectation": outcome.expectation,
                "severity": outcome.severity,
                "is_met": outcome.success,
                "observed": outcome.observed,
            }
        )
    return records


def _show(
    connection: duckdb.DuckDBPyConnection, lake: Lake, source: Source, table: str, night: date
) -> None:
    """Views on what tonight brought of a table, and on what the weeks before did."""
    empty = view_name(source, f"{table}__empty")
    connection.register("nothing", raw_schema(source.table(table)).empty_table())
    connection.execute(f"create table {empty} as select *, null::date as load_date from nothing")
    connection.unregister("nothing")
    folder = lake.partition("raw", source.name, table, night).parent
    earlier = [night - timedelta(days=days) for days in range(1, USUAL_DAYS + 1)]
    brought = {
        table: _delivered(folder / f"load_date={night}"),
        f"{table}_before": [
            path
            for each in earlier
            for path in sorted((folder / f"load_date={each}").glob("*.parquet"))
        ],
    }
    for view, paths in brought.items():
        files = [str(path) for path in paths]
        rows = f"read_parquet({files}, hive_partitioning = true)" if files else empty
        connection.execute(f"create view {view_name(source, view)} as select * from {rows}")


def _is_refusal(record: Mapping[str, object]) -> bool:
    return not record["is_met"] and record["severity"] == "critical"


def _was_taken_back(lake: Lake, source: str, night: date) -> bool:
    return any(
        record["status"] == REFUSED and str(record["reason"]).startswith(TAKEN_BACK)
        for record in _ledger(lake.deliveries(source, night))
    )


def _ledger(path: Path) -> list[Record]:
    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []


def _take_back(lake: Lake, source: Source, night: date, failed: Sequence[Record]) -> None:
    """Take tonight's partitions of a source away; its accepted deliveries become refused ones."""
    first = failed[0]
    reason = f"{TAKEN_BACK}{first['table_name']}: {first['expectation']}: {first['observed']}"
    if source.policy == "block":
        raise Problem(f"{source.name} blocks the night: {reason}")
    LOG.error("%s: tonight's deliveries are refused; %s", source.name, reason)
    records = [
        refused_record(record, reason) if record["status"] == ACCEPTED else record
        for record in _ledger(lake.deliveries(source.name, night))
    ]
    write_parquet(pa.Table.from_pylist(records, DELIVERIES), lake.deliveries(source.name, night))
    _remove_delivered(lake, source, night)


def _remove_delivered(lake: Lake, source: Source, night: date) -> None:
    """Take away what tonight's deliveries brought; keys last, so nothing sealed is without one."""
    for table in source.tables:
        for zone in reversed(ZONES):
            folder = lake.partition(zone, source.name, table.name, night)
            for path in _delivered(folder):
                remove(path)
            if not any(folder.glob("*")):
                remove(folder)


def _delivered(folder: Path) -> list[Path]:
    """Files of a partition that came with deliveries. What a person released is no part of the
    batch: it may pass the bounds of its contract, and stays when the batch is taken back.
    """
    return sorted(path for path in folder.glob("*.parquet") if path.stem != RELEASED_NAME)
