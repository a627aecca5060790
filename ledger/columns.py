"""Arrow columns in, NumPy columns for the folds, Arrow columns out. Never rows."""

from collections.abc import Iterable, Iterator, Sequence
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
Mask = npt.NDArray[np.bool_]

BATCH_ROWS = 250_000  # read at a time, cut at the end of a member; bounds the memory


def read_members(
    path: Path,
    schema: pa.Schema,
    closing_date: date,
    rows: int = BATCH_ROWS,
    key: str = "member_id",
) -> Iterator[pa.Table]:
    """Tables of whole members from a handover file sorted by member (`key`) and business_date.

    Only the columns of `schema` are read; they come in one chunk each. Problem if the file or a
    column is missing, if it is not sorted, or if something happened after `closing_date`.
    """
    batches = _open(path, schema).iter_batches(batch_size=rows, columns=schema.names)
    return whole_members(batches, path.stem, schema, closing_date, rows, key)


def whole_members(
    batches: Iterable[pa.RecordBatch],
    name: str,
    schema: pa.Schema,
    closing_date: date,
    rows: int = BATCH_ROWS,
    key: str = "member_id",
) -> Iterator[pa.Table]:
    """Tables of whole members from batches in order, as read_members; `name` is for complaints."""
    pending = schema.empty_table()
    for batch in batches:
        table = pa.concat_tables([pending, pa.Table.from_batches([batch]).cast(schema)])
        cut = _first_row_of_last_member(table, key) if table.num_rows >= rows else 0
        pending = table.slice(cut)
        if cut > 0:
            yield _checked(name, table.slice(0, cut), pending, closing_date, key)
    if pending.num_rows > 0:
        yield _checked(name, pending, schema.empty_table(), closing_date, key)


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The columns of `schema` of a small file; Problem if the file or a column is missing."""
    return _open(path, schema).read(columns=schema.names).cast(schema)


def _open(path: Path, schema: pa.Schema) -> pq.ParquetFile:
    if not path.is_file():
        raise Problem(f"{path} is missing; run the step of the night that writes it first")
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise Problem(f"{path} is no Parquet file; run the step that writes it again") from error
    if missing := [name for name in schema.names if name not in file.schema_arrow.names]:
        raise Problem(f"{path} has no column {missing[0]}; run the step that writes it again")
    return file


def _first_row_of_last_member(table: pa.Table, key: str) -> int:
    return int(pc.index(table[key], table[key][-1]).as_py())


def _checked(
    name: str, table: pa.Table, following: pa.Table, closing_date: date, key: str
) -> pa.Table:
    """The table with one chunk a column; Problem unless its members and days are in order."""
    table = table.combine_chunks()
    members, days = _member_numbers(table, key), day_column(table, "business_date")
    is_same_member = np.diff(members) == 0
    in_order = bool(np.all(np.diff(members) >= 0) and np.all(np.diff(days)[is_same_member] >= 0))
    if following.num_rows > 0:
        in_order &= following[key][0].as_py() > table[key][-1].as_py()
    if not in_order:
        raise Problem(f"{name} is not sorted by {key}, business_date; write it sorted")
    if days.max() > day_number(closing_date):
        raise Problem(f"{name} holds events after {closing_date}; it belongs to another night")
    return table


def _member_numbers(table: pa.Table, key: str) -> Ints:
    """0 for the first member of the table, 1 for the next one …, a number a row."""
    return codes(table[key].combine_chunks().dictionary_encode())


def member_starts(table: pa.Table) -> Ints:
    """First row of each member and, last, the number of rows; the members stand together."""
    numbers = _member_numbers(table, "member_id")
    first_rows = np.flatnonzero(np.diff(numbers, prepend=-1))
    return np.append(first_rows, len(numbers)).astype(np.int64)


def int_column(table: pa.Table, name: str, if_null: int | None = None) -> Ints:
    """Integers as int64; Problem at a NULL unless there is a value for it."""
    column = table[name].combine_chunks()
    if column.null_count > 0 and if_null is None:
        raise Problem(f"column {name} is empty in {column.null_count} rows; every row needs it")
    filled = column.cast(pa.int64()).fill_null(0 if if_null is None else if_null)
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def day_column(table: pa.Table, name: str, if_null: int | None = None) -> Ints:
    """Dates as days from 1970-01-01; Problem at a NULL unless there is a value for it."""
    days = pa.table({name: table[name].cast(pa.int32())})
    return int_column(days, name, if_null)


def date_array(days: Ints, is_null: Mask | None = None) -> pa.Array:
    """Days from 1970-01-01 as dates."""
    numbers = days if is_null is None else np.where(is_null, 0, days)
    return pa.array(numbers.astype(np.int32), mask=is_null).cast(pa.date32())


def as_date(day: int) -> date:
    """The date of a day counted from 1970-01-01."""
    return date.fromordinal(EPOCH.toordinal() + day)


def codes(encoded: pa.DictionaryArray) -> Ints:
    """Positions in the dictionary, -1 for NULL."""
    filled = encoded.indices.cast(pa.int64()).fill_null(-1)
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def codes_together(table: pa.Table, names: Sequence[str]) -> tuple[list[Ints], int]:
    """Columns of text as numbers 0 .., the same text the same number in each; and how many.

    NULL is -1.
    """
    chunks = [table[name].combine_chunks() for name in names]
    encoded = pa.concat_arrays(chunks).dictionary_encode()
    return np.split(codes(encoded), len(names)), len(encoded.dictionary)


def named(positions: Ints, names: Sequence[str]) -> pa.DictionaryArray:
    """Text given by positions in a list of names, NULL at -1."""
    return pick(pa.array(names, pa.string()), positions)


def pick(values: pa.StringArray, rows: Ints) -> pa.DictionaryArray:
    """The text at some rows, NULL at -1; the text itself is not copied."""
    indices = pa.array(rows.astype(np.int32), mask=rows < 0)
    return pa.DictionaryArray.from_arrays(indices, values)
