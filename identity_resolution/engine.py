"""The two engines of identity resolution: the same SQL and function, on one machine or many.

A query may name `$business_date`. Tables live as long as the engine's session.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.errors import Problem
from ingest.core.lake import Lake

BlockFunction = Callable[[pa.Table], pa.Table]


class Engine(Protocol):
    """What resolving needs of an engine."""

    has_blocks: bool  # whether the work is spread over many processes

    def model(self, name: str, model: str, lake: Lake) -> None:
        """Show a model that dbt built tonight as a table; Problem if it did not."""

    def read(self, name: str, folder: Path) -> list[str]:
        """Show a folder of partitions as a table, with their dates as a column; its columns, none
        if there is no file.
        """

    def load(self, name: str, rows: pa.Table) -> None:
        """Make a table of a few rows."""

    def table(self, name: str, query: str, business_date: date | None = None) -> None:
        """Make a table of what a query gives."""

    def rows(self, query: str) -> pa.Table:
        """What a query gives, in its order."""

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """Make a table of what a function gives for blocks of a query's rows; rows of the same
        first column stand in the same block.
        """


class DuckDbEngine:
    """Everything in this process; what does not fit in memory is spilled."""

    has_blocks = False

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def model(self, name: str, model: str, lake: Lake) -> None:
        """As Engine.model; dbt handed a file over."""
        path = lake.handover(model)
        if not path.is_file():
            raise Problem(f"{path} is missing; run the stage step first")
        self.connection.read_parquet(str(path)).create_view(name, replace=True)

    def read(self, name: str, folder: Path) -> list[str]:
        """As Engine.read."""
        files = f"{folder}/*/*.parquet"
        if not any(folder.glob("*/*.parquet")):
            return []
        rows = self.connection.read_parquet(files, hive_partitioning=True, union_by_name=True)
        rows.create_view(name, replace=True)
        return rows.columns

    def load(self, name: str, rows: pa.Table) -> None:
        """DuckDB knows the size of a table but not of registered rows; it needs it to join well."""
        self.connection.register("loading", rows)
        self.connection.execute(f"create or replace temp table {name} as select * from loading")
        self.connection.unregister("loading")

    def table(self, name: str, query: str, business_date: date | None = None) -> None:
        """As Engine.table."""
        query = with_date(query, business_date)
        self.connection.execute(f"create or replace temp table {name} as {query}")

    def rows(self, query: str) -> pa.Table:
        """As Engine.rows."""
        return self.connection.execute(query).to_arrow_table()

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """All rows are one block."""
        self.load(name, function(self.rows(query)).cast(output))


class SparkEngine:
    """Tables are Parquet in a folder of the night, so that each query starts from what is done."""

    has_blocks = True

    def __init__(self, folder: Path) -> None:
        from ingest.core.spark import spark_session  # noqa: PLC0415 - installed for Spark only

        self.session = spark_session()
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)

    def model(self, name: str, model: str, lake: Lake) -> None:
        """As Engine.model."""
        from ingest.core.spark import SCHEMA  # noqa: PLC0415

        if not self.session.catalog.tableExists(f"{SCHEMA}.{model}"):
            raise Problem(f"Spark has no table {SCHEMA}.{model}; run the stage step first")
        self.session.table(f"{SCHEMA}.{model}").createOrReplaceTempView(name)

    def read(self, name: str, folder: Path) -> list[str]:
        """As Engine.read."""
        if not any(folder.glob("*/*.parquet")):
            return []
        rows = self.session.read.option("mergeSchema", "true").parquet(str(folder))
        rows.createOrReplaceTempView(name)
        return list(rows.columns)

    def load(self, name: str, rows: pa.Table) -> None:
        """As Engine.load."""
        path = self.folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, path)
        self.session.read.parquet(str(path)).createOrReplaceTempView(name)

    def table(self, name: str, query: str, business_date: date | None = None) -> None:
        """As Engine.table."""
        self._keep(name, self.session.sql(with_date(query, business_date)))

    def rows(self, query: str) -> pa.Table:
        """As Engine.rows; the rows come by way of files, in their order."""
        path = self.folder / "rows"
        self.session.sql(query).write.mode("overwrite").parquet(str(path))
        return pa.concat_tables(pq.read_table(part) for part in sorted(path.glob("*.parquet")))

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """As Engine.map_blocks; a block is a partition."""

        def map_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            block = list(batches)
            if block:
                yield from function(pa.Table.from_batches(block)).cast(output).to_batches()

        rows = self.session.sql(query)
        columns = ", ".join(f"{column} int" for column in output.names)
        self._keep(name, rows.repartition(rows.columns[0]).mapInArrow(map_partition, columns))

    def _keep(self, name: str, rows: Any) -> None:
        path = str(self.folder / name)
        rows.write.mode("overwrite").parquet(path)
        self.session.read.parquet(path).createOrReplaceTempView(name)


def with_date(query: str, business_date: date | None) -> str:
    """The query with its date written out, as both engines read it."""
    return query.replace("$business_date", f"date '{business_date}'")


def splink_database(engine: str) -> Any:
    """Where Splink works: a DuckDB of its own, or tonight's Spark session."""
    if engine == "spark":
        from splink import SparkAPI  # noqa: PLC0415 - installed for Spark only

        from ingest.core.spark import spark_session  # noqa: PLC0415 - installed for Spark only

        make: Callable[..., Any] = SparkAPI
        return make(spark_session=spark_session())
    from splink import DuckDBAPI  # noqa: PLC0415 - only tables of records need it

    # One thread: two would add the same numbers in an order that nobody can repeat.
    return DuckDBAPI(duckdb.connect(config={"threads": 1}))


def splink_table(database: Any, rows: pa.Table) -> Any:
    """Rows as a table of Splink's database."""
    if hasattr(database, "spark"):
        schema = ", ".join(
            f"{field.name} {'bigint' if field.type == pa.int64() else 'string'}"
            for field in rows.schema
        )
        values = [tuple(row.values()) for row in rows.to_pylist()]
        return database.register(database.spark.createDataFrame(values, schema))
    return database.register(rows)
