"""A fold over all touched members, on either engine: in this process, or by Spark as a grouped map.

The function is the same; only who hands it whole members differs.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.lake import Lake
from ledger.columns import read_members, whole_members


@dataclass(frozen=True)
class Fold:
    """What is folded: the rows of a model, in an order that begins with `key`: mostly the member.

    `function` takes a table of whole members and gives rows of `output`; it may be sent to other
    machines, so it carries everything that it needs.
    """

    model: str
    schema: pa.Schema
    order: list[str]
    output: pa.Schema
    function: Callable[[pa.Table], pa.Table]
    key: str = "member_id"


def folded(fold: Fold, lake: Lake, business_date: date, engine: str) -> Iterator[pa.Table]:
    """What the fold gives, in tables of any size; Problem if an input is not as it should be."""
    if engine == "duckdb":
        path = lake.handover(fold.model)
        members = read_members(path, fold.schema, business_date, key=fold.key)
        return _side_by_side(fold.function, members)
    return _folded_by_spark(fold, lake, business_date)


def _side_by_side(
    function: Callable[[pa.Table], pa.Table], tables: Iterable[pa.Table]
) -> Iterator[pa.Table]:
    """What the function makes of each table, in their order; a few tables are in work at a time."""
    workers = os.cpu_count() or 1
    begun: deque[Future[pa.Table]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for table in tables:
            begun.append(pool.submit(function, table))
            if len(begun) > workers:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def _folded_by_spark(fold: Fold, lake: Lake, business_date: date) -> Iterator[pa.Table]:
    from ingest.core.spark import (  # noqa: PLC0415 - installed for Spark only
        SCHEMA,
        spark_problem,
        spark_session,
    )

    def fold_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        members = whole_members(batches, fold.model, fold.schema, business_date, key=fold.key)
        for table in members:
            yield from fold.function(table).cast(fold.output).to_batches()

    parts = lake.work / "folded" / fold.model
    with spark_problem(f"Spark cannot fold {fold.model}"):
        rows = spark_session().table(f"{SCHEMA}.{fold.model}")
        grouped = rows.repartition(fold.key).sortWithinPartitions(*fold.order)
        result = grouped.select(*fold.schema.names).mapInArrow(fold_partition, _ddl(fold.output))
        result.write.mode("overwrite").parquet(str(parts))
    for part in sorted(parts.glob("*.parquet")):
        yield pq.read_table(part).cast(fold.output)
    shutil.rmtree(parts)


def _ddl(schema: pa.Schema) -> str:
    """An Arrow schema as Spark writes it."""
    types = {pa.string(): "string", pa.int64(): "bigint", pa.date32(): "date"}
    return ", ".join(f"{field.name} {types[field.type]}" for field in schema)
