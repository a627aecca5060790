"""The tables that Spark built, shown in a working database like the one that DuckDB builds.

Verifying, publishing and exporting read that database; they need not know which engine made it.
"""

from pathlib import Path

import duckdb

from exports.reader import sql_name, sql_text, work_database
from ingest.core.errors import Problem
from ingest.core.lake import Lake, remove


def show_spark_tables(lake: Lake) -> None:
    """Make the working database anew: a view on each table of Spark's warehouse.

    Problem if Spark has built nothing yet.
    """
    folders = sorted((lake.work / "warehouse").glob("*.db/*/"))
    if not folders:
        raise Problem(f"{lake.work / 'warehouse'} holds no table; run the steps up to build")
    path = work_database(lake)
    for old in (path, Path(f"{path}.wal")):
        if old.exists():
            remove(old)
    with duckdb.connect(str(path)) as database:
        for folder in folders:
            files = sql_text(folder / "*.parquet")
            database.execute(
                f"create view {sql_name(folder.name)} as select * from read_parquet({files})"
            )
