"""What a night brought of each table, and what the weeks before did, as views for the gate."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingest.core.contract import Source
from ingest.core.lake import Lake, remove
from ingest.deliveries import ACCEPTED, Record
from ingest.expectation_files import BEFORE, view_name
from ingest.partitions import raw_schema
from ingest.releases import RELEASED_NAME
from ingest.staged import ZONES

USUAL_DAYS = 28


@contextmanager
def shown(lake: Lake, sources: Sequence[Source], night: date) -> Iterator[Path]:
    """A database with the views of all tables of some sources; gone afterwards."""
    database = lake.work / "gate.duckdb"
    remove(database)
    database.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(database)) as connection:
        for source in sources:
            for table in source.tables:
                _show(connection, lake, source, table.name, night)
    try:
        yield database
    finally:
        remove(database)


def ledger(lake: Lake, source: str, night: date) -> list[Record]:
    """What became of each file that one night brought of a source."""
    path = lake.deliveries(source, night)
    return pq.ParquetFile(path).read().to_pylist() if path.is_file() else []


def tables_that_came(lake: Lake, source: str, night: date) -> set[tuple[str, str]]:
    """Source and table of each file, empty ones too, that was taken in."""
    return {
        (source, str(record["table_name"]))
        for record in ledger(lake, source, night)
        if record["status"] == ACCEPTED
    }


def remove_batch(lake: Lake, source: Source, night: date) -> None:
    """Take away what a night's deliveries brought; keys last, so nothing sealed is without one."""
    for table in source.tables:
        for zone in reversed(ZONES):
            folder = lake.partition(zone, source.name, table.name, night)
            for path in _delivered(folder):
                remove(path)
            if not any(folder.glob("*")):
                remove(folder)


def _show(
    connection: duckdb.DuckDBPyConnection, lake: Lake, source: Source, table: str, night: date
) -> None:
    empty = view_name(source.name, f"{table}__empty")
    connection.register("nothing", raw_schema(source.table(table)).empty_table())
    connection.execute(f"create table {empty} as select *, null::date as load_date from nothing")
    connection.unregister("nothing")
    folder = lake.partition("raw", source.name, table, night).parent
    earlier = [night - timedelta(days=days) for days in range(1, USUAL_DAYS + 1)]
    brought = {
        table: _delivered(folder / f"load_date={night}"),
        f"{table}{BEFORE}": [
            path
            for each in earlier
            for path in sorted((folder / f"load_date={each}").glob("*.parquet"))
        ],
    }
    for view, paths in brought.items():
        files = [str(path) for path in paths]
        rows = f"read_parquet({files}, hive_partitioning = true)" if files else empty
        name = view_name(source.name, view)
        connection.execute(f"create view {name} as select * from {rows}")


def _delivered(folder: Path) -> list[Path]:
    """Files of a partition that came with deliveries. What a person released is no part of the
    batch: it may pass the bounds of its contract, and stays when the batch is taken back.
    """
    return sorted(path for path in folder.glob("*.parquet") if path.stem != RELEASED_NAME)
