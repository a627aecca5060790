"""Arrow columns in, NumPy columns for the folds, Arrow columns out. Never rows."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.core.errors import Problem
from ledger.calendar import EPOCH, day_number

Ints = npt.NDArray[np.int64]

BATCH_ROWS = 1_000_000  # read at a time, and then up to the end of a member; bounds the memory


def read_members(
    path: Path, schema: pa.Schema, closing_date: date, rows: int = BATCH_ROWS
) -> Iterator[pa.Table]:
    """Tables of whole members from a handover file sorted by member_id and business_date.

    Only the columns of `schema` are read. Problem if the file or a column is missing, if the order is not
    as said, or if something happened after `closing_date`.
    """
    pending = schema.empty_table()
    for batch in _open(path, schema).iter_batches(batch_size=rows, columns=schema.names):
        table = pa.concat_tables([pending, pa.Table.from_batches([batch]).cast(schema)])
        members = table["member_id"].combine_chunks()
        last_member = pc.index(members, members[-1]).as_py()
        pending = table.slice(last_member)
        if last_member > 0:
            yield _checked(path, table.slice(0, last_member), pending, closing_date)
    if pending.num_rows > 0:
        yield _checked(path, pending, schema.empty_table(), closing_date)


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` of a small file; Problem if the file or a column is missing."""
    return _open(path, schema).read(columns=schema.names).cast(schema)


def _open(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if not path.is_file():
        raise Problem(f"{path} is missing; run the step of the night that writes it first")
    file = pq.ParquetFile(path)
    if missing := [name for name in schema.names if name not in file.schema_arrow.names]:
        raise Problem(f"{path} has no column {missing[0]}; run the step that writes it again")
    return file


def _checked(path: Path, table: pa.Table, following: pa.Table, closing_date: date) -> pa.Table:
    """The table in one chunk a column, if its members and days are in order."""
    table = table.combine_chunks()
    members, days = member_numbers(table["member_id"]), day_column(table["business_date"])
    is_same_member = np.diff(members) == 0
    in_order = bool(np.all(np.diff(members) >= 0) and np.all(np.diff(days)[is_same_member] >= 0))
    if following.num_rows > 0:
        in_order &= following["member_id"][0].as_py() > table["member_id"][-1].as_py()
    if not in_order:
        raise Problem(f"{path} is not sorted by member_id, business_date; write it sorted")
    if days.max() > day_number(closing_date):
        raise Problem(f"{path} holds events after {closing_date}; it belongs to another night")
    return table


def member_numbers(members: pa.ChunkedArray) -> Ints:
    """0 for the first member of the column, 1 for the next one …"""
    return codes(members.combine_chunks().dictionary_encode())


def member_starts(members: pa.ChunkedArray) -> Ints:
    """First row of each member and, last, the number of rows; the members stand together."""
    numbers = member_numbers(members)
    first_rows = np.flatnonzero(np.diff(numbers, prepend=-1))
    return np.append(first_rows, len(numbers)).astype(np.int64)


def int_column(column: pa.ChunkedArray, if_null: int = 0) -> Ints:
    """Integers as int64."""
    filled = column.combine_chunks().fill_null(if_null)
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def day_column(column: pa.ChunkedArray, if_null: int = 0) -> Ints:
    """Dates as days from 1970-01-01."""
    return int_column(column.cast(pa.int32()).cast(pa.int64()), if_null)


def date_array(days: Ints, is_null: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Days from 1970-01-01 as dates."""
    numbers = days if is_null is None else np.where(is_null, 0, days)
    return pa.array(numbers.astype(np.int32), mask=is_null).cast(pa.date32())


def as_date(day: int) -> date:
    """The date of a day counted from 1970-01-01."""
    return date.fromordinal(EPOCH.toordinal() + int(day))


def codes(encoded: pa.DictionaryArray) -> Ints:
    """Positions in the dictionary, -1 for NULL."""
    filled = encoded.indices.cast(pa.int64()).fill_null(-1)
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def encode_together(columns: Sequence[pa.ChunkedArray]) -> list[pa.DictionaryArray]:
    """Columns of text with one dictionary, so that the same text has the same code in each of them."""
    chunks = [column.combine_chunks() for column in columns]
    encoded = pa.concat_arrays(chunks).dictionary_encode()
    starts = np.cumsum([0] + [len(chunk) for chunk in chunks]).tolist()
    return [encoded.slice(start, len(chunk)) for start, chunk in zip(starts, chunks, strict=False)]


def named(positions: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    """Text given by positions in a list of names, -1 for NULL."""
    return pick(pa.array(names, pa.string()), positions)


def pick(values: pa.StringArray, rows: Ints) -> pa.DictionaryArray:
    """The text at some rows, NULL where the row is -1; the text itself is not copied."""
    indices = pa.array(rows.astype(np.int32), mask=rows < 0)
    return pa.DictionaryArray.from_arrays(indices, values)
