"""The two engines of identity resolution: the same SQL and function, on one machine or many.

A query may name `$business_date`. Tables live as long as the engine's session.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.settings import Settings

BlockFunction = Callable[[pa.Table], pa.Table]

ROW_GROUP = 122_880  # of DuckDB's tables
KEY_BITS = 63  # what a bigint holds without a sign
SPARK_TYPES = {"int32": "int", "int64": "bigint", "string": "string"}


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

    def view(self, name: str, query: str, business_date: date | None = None) -> None:
        """Name a query; it is worked out wherever it is used."""

    def rows(self, query: str) -> pa.Table:
        """What a query gives, in its order."""

    def fingerprint(self, columns: list[str], bits: int = KEY_BITS) -> str:
        """An expression: a whole number of so many bits that follows from these columns, NULL among
        their values. The same on every run of one engine.
        """

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """Make a table of what a function gives for blocks of a query's rows; rows of the same
        first column stand in the same block.
        """

    def map_rows(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """Make a table of what a function gives for a query's rows, in parts of any size."""

    def weigh(self, name: str, records: str, model: dict[str, Any], least_bits: float) -> None:
        """Make a table of Splink's match weights (pair_id_l, match_weight in bits) for the two
        records (unique_id, pair_id) of each pair, by a trained model; pairs of less are left out.
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
        """DuckDB knows the size of a table but not of registered rows; it needs it to join well.
        Rows that come in batches are written by all its threads.
        """
        batches = rows.to_batches(max_chunksize=ROW_GROUP)
        self.connection.register("loading", pa.Table.from_batches(batches, rows.schema))
        self.connection.execute(f"create or replace temp table {name} as select * from loading")
        self.connection.unregister("loading")

    def table(self, name: str, query: str, business_date: date | None = None) -> None:
        """As Engine.table."""
        query = with_date(query, business_date)
        self.connection.execute(f"create or replace temp table {name} as {query}")

    def view(self, name: str, query: str, business_date: date | None = None) -> None:
        """As Engine.view."""
        query = with_date(query, business_date)
        self.connection.execute(f"create or replace temp view {name} as {query}")

    def rows(self, query: str) -> pa.Table:
        """As Engine.rows."""
        return self.connection.execute(query).to_arrow_table()

    def fingerprint(self, columns: list[str], bits: int = KEY_BITS) -> str:
        """As Engine.fingerprint."""
        return f"cast(hash({', '.join(columns)}) >> {64 - bits} as bigint)"

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """All rows are one block."""
        # A union of joins that goes straight to Arrow can wait for itself for ever (DuckDB 1.5.5).
        self.table(f"{name}_rows", query)
        self.load(name, function(self.rows(f"select * from {name}_rows")).cast(output))

    def map_rows(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """All rows are one part."""
        self.map_blocks(name, query, function, output)

    def weigh(self, name: str, records: str, model: dict[str, Any], least_bits: float) -> None:
        """As Engine.weigh."""
        from splink import DuckDBAPI  # noqa: PLC0415 - slow, and many nights compare nothing

        database = DuckDBAPI(self.connection)
        weights = _weigh(database, self.connection.table(records), model, least_bits)
        self.table(name, f"select pair_id_l, match_weight from {weights.physical_name}")

    def weights_by_field(self, records: str, model: dict[str, Any]) -> dict[str, float]:
        """Splink's match weight of the only pair of a table, in all (match_weight) and of each
        field, in bits.
        """
        from splink import DuckDBAPI  # noqa: PLC0415 - slow

        model = {**model, "retain_intermediate_calculation_columns": True}
        database = DuckDBAPI(self.connection)
        weights = _weigh(database, self.connection.table(records), model, None)
        [row] = self.rows(f"select * from {weights.physical_name}").to_pylist()
        prefix = model["match_weight_column_prefix"]
        fields = {name.removeprefix(prefix): row[name] for name in row if name.startswith(prefix)}
        return {"match_weight": row["match_weight"], **fields}


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

    def view(self, name: str, query: str, business_date: date | None = None) -> None:
        """As Engine.view."""
        self.session.sql(with_date(query, business_date)).createOrReplaceTempView(name)

    def rows(self, query: str) -> pa.Table:
        """As Engine.rows; the rows come by way of files, in their order."""
        path = self.folder / "rows"
        self.session.sql(query).write.mode("overwrite").parquet(str(path))
        return pa.concat_tables(pq.read_table(part) for part in sorted(path.glob("*.parquet")))

    def fingerprint(self, columns: list[str], bits: int = KEY_BITS) -> str:
        """As Engine.fingerprint."""
        return f"shiftrightunsigned(xxhash64({', '.join(columns)}), {64 - bits})"

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """As Engine.map_blocks; a block is a partition."""
        rows = self.session.sql(query)
        self._map(name, rows.repartition(rows.columns[0]), function, output)

    def map_rows(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        """As Engine.map_rows; a part is a partition."""
        self._map(name, self.session.sql(query), function, output)

    def weigh(self, name: str, records: str, model: dict[str, Any], least_bits: float) -> None:
        """As Engine.weigh; the model uses functions that Spark has, so no jar is needed."""
        from splink import SparkAPI  # noqa: PLC0415

        database = SparkAPI(  # type: ignore[no-untyped-call]
            spark_session=self.session,
            register_udfs_automatically=False,
            break_lineage_method="persist",
        )
        weights = _weigh(database, self.session.table(records), model, least_bits)
        self.table(name, f"select pair_id_l, match_weight from {weights.physical_name}")

    def _map(self, name: str, rows: Any, function: BlockFunction, output: pa.Schema) -> None:
        def map_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            block = list(batches)
            if block:
                yield from function(pa.Table.from_batches(block)).cast(output).to_batches()

        columns = ", ".join(f"{field.name} {SPARK_TYPES[str(field.type)]}" for field in output)
        self._keep(name, rows.mapInArrow(map_partition, columns))

    def _keep(self, name: str, rows: Any) -> None:
        path = str(self.folder / name)
        rows.write.mode("overwrite").parquet(path)
        self.session.read.parquet(path).createOrReplaceTempView(name)


@contextmanager
def open_engine(settings: Settings, folder: Path) -> Iterator[Engine]:
    """The engine of the settings, which puts what memory does not hold into a folder of its own."""
    if settings.engine == "spark":
        from ingest.core.spark import spark_problem  # noqa: PLC0415 - installed for Spark only

        with spark_problem("Spark cannot resolve identities"):
            yield SparkEngine(folder)
    else:
        config = {"memory_limit": settings.memory_limit, "temp_directory": str(folder)}
        with duckdb.connect(config=dict(config)) as connection:
            yield DuckDbEngine(connection)


def _weigh(database: Any, records: Any, model: dict[str, Any], least_bits: float | None) -> Any:
    """Splink's prediction for records that are blocked by their pair."""
    from splink import Linker  # noqa: PLC0415

    logging.getLogger("splink").setLevel(logging.WARNING)  # how long it took is in the run's log
    linker = Linker(database.register(records), model, log_level=None)
    return linker.inference.predict(threshold_match_weight=least_bits)


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
