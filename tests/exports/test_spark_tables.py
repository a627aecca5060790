"""Spark's tables, shown where the working database of DuckDB would be."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exports.reader import work_database
from exports.spark_tables import show_spark_tables
from ingest.core.errors import Problem
from ingest.core.lake import Lake


def test_every_part_of_a_table_is_shown_and_what_was_there_before_is_not(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    folder = lake.work / "warehouse" / "onemember.db" / "dim_members"
    folder.mkdir(parents=True)
    for part in (0, 1):
        pq.write_table(pa.table({"member_id": [f"M{part}"]}), folder / f"part-{part}.parquet")
    with duckdb.connect(str(work_database(lake))) as database:
        database.execute("create table left_by_another_engine as select 1 as one")
    show_spark_tables(lake)
    with duckdb.connect(str(work_database(lake)), read_only=True) as database:
        assert database.execute("from dim_members order by member_id").fetchall() == [
            ("M0",),
            ("M1",),
        ]
        names = database.execute("select view_name from duckdb_views() where not internal")
        assert names.fetchall() == [("dim_members",)]
        assert database.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


def test_without_a_table_the_step_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"warehouse holds no table; run the steps up to build"):
        show_spark_tables(Lake(tmp_path))
