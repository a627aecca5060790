"""Parquet files; their values become text and take the same way as those of any other file."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.contract import Table
from ingest.core.errors import Problem, one_line
from ingest.readers.rows import PART_ROWS, Numbering, Rows, positions

MOST_EXACT = 2**53  # a double tells all whole numbers below it apart


def read_parquet(table: Table, file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Rows of one file, part by part; Problem if a column cannot be taken exactly."""
    numbering = Numbering()
    try:
        source = pq.ParquetFile(file, page_checksum_verification=True)
        schema = source.schema_arrow
        places = positions(schema.names, table, path)
        for column in table.file_columns:
            reason = _unfit(schema.field(places[column.name]).type, column.floating)
            if reason:
                raise Problem(
                    f"{path}: column '{column.header}' {reason}; ask for the type of the contract"
                )
        for part in source.iter_batches(PART_ROWS):
            texts = [_texts(part.column(place), name, path) for name, place in places.items()]
            for values in texts:
                values.validate(full=True)  # also that texts are UTF-8
            yield numbering.rows(pa.table(texts, list(places)))
    except (pa.ArrowException, OSError) as error:
        raise Problem(
            f"{path} is not a whole Parquet file ({one_line(error)}); ask for it again"
        ) from error


def _texts(values: pa.Array, name: str, path: Path) -> pa.Array:
    """Values as text; floating point as the shortest decimal that says the same, NaN as none."""
    if not pa.types.is_floating(values.type):
        return values.cast(pa.large_string())
    numbers = pl.Series(values).fill_nan(None) + 0.0  # no negative zero
    if (numbers.abs() >= MOST_EXACT).any():
        raise Problem(
            f"{path}: column '{name}' holds numbers beyond {MOST_EXACT}, of which floating point "
            "has lost digits; ask for them as text"
        )
    return numbers.cast(pl.String).str.strip_suffix(".0").to_arrow()


def _unfit(kind: pa.DataType, may_float: bool) -> str | None:
    """Why values of an Arrow type cannot be taken exactly; None if they can."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_floating(kind) and may_float:
        return None
    if pa.types.is_floating(kind):
        return "is floating point, which holds no exact amounts or identifiers"
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return "has a time zone, where local time without one was agreed"
    exact = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_integer,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_date32,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    return None if any(fits(kind) for fits in exact) else f"has the type {kind}"
