"""The digest of a table: SHA-256 over its sorted, typed rows.

It is the same on every engine and for every batch size. The rows are hashed column by column, which
takes a third of the time of writing every row out as text. Each column of the contract has three
hashes, over all rows in order:

    nulls    one byte a row, 1 for NULL
    lengths  text only: four bytes a row, the bytes of the value as UTF-8; 0 for NULL
    values   text: UTF-8; whole numbers, days since 1970-01-01, microseconds since 1970: eight bytes
             a row; booleans: one byte a row; 0 for NULL

The digest is the SHA-256 of one line of JSON: the row count and, for each column, name, kind and
these hashes. Numbers are little-endian. NULL differs from an empty text and from 0; floating
point is refused.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Digest:
    """How many rows a table has, and the SHA-256 of all of them in hexadecimal."""

    rows: int
    sha256: str


class _ColumnHash:
    """The hashes of one column, fed batch by batch."""

    def __init__(self, name: str, data_type: pa.DataType) -> None:
        self.name = name
        self.kind = _kind(name, data_type)
        self.nulls = hashlib.sha256()
        self.lengths = hashlib.sha256()
        self.values = hashlib.sha256()

    def add(self, values: pa.Array) -> None:
        """Hash the next rows."""
        if values.null_count:
            self.nulls.update(np.asarray(values.is_null().cast(pa.uint8())).data)
        else:
            self.nulls.update(bytes(len(values)))
        if self.kind == "text":
            self._add_text(values)
            return
        if self.kind == "date":
            values = values.view(pa.int32())
        numbers = values.cast(pa.uint8() if self.kind == "boolean" else pa.int64())
        if numbers.null_count:
            numbers = numbers.fill_null(0)
        self.values.update(np.ascontiguousarray(numbers.to_numpy()).data)

    def _add_text(self, values: pa.Array) -> None:
        if values.null_count:
            values = values.fill_null("")
        values = values.cast(pa.large_string())
        _, offsets_buffer, text = values.buffers()
        if not len(values):
            return
        offsets = np.frombuffer(offsets_buffer, dtype="<i8")[
            values.offset : values.offset + len(values) + 1
        ]
        self.lengths.update(np.diff(offsets).astype("<u4").data)
        if text is not None:
            self.values.update(memoryview(text)[offsets[0] : offsets[-1]])

    def summary(self) -> list[str]:
        """Name, type and hashes of the column."""
        hashes = [self.nulls, self.lengths, self.values]
        return [self.name, self.kind, *(each.hexdigest() for each in hashes)]


def table_digest(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Digest:
    """Digest of rows that come in their one order, in batches of any size.

    ValueError if a column has a type that no mart may hold.
    """
    columns = [_ColumnHash(field.name, field.type) for field in schema]
    rows = 0
    for batch in batches:
        rows += batch.num_rows
        for column, values in zip(columns, batch.columns, strict=True):
            column.add(values)
    return Digest(rows, _sha256_of([rows, [column.summary() for column in columns]]))


def combined_digest(digests: Iterable[tuple[str, Digest]]) -> str:
    """SHA-256 over the names, rows and digests of several tables, in hexadecimal."""
    return _sha256_of([[name, digest.rows, digest.sha256] for name, digest in sorted(digests)])


def _sha256_of(content: Any) -> str:
    line = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(line.encode("utf-8")).hexdigest()


def _kind(name: str, data_type: pa.DataType) -> str:
    if pa.types.is_string(data_type) or pa.types.is_large_string(data_type):
        return "text"
    if pa.types.is_integer(data_type):
        return "integer"
    if pa.types.is_boolean(data_type):
        return "boolean"
    if pa.types.is_date32(data_type):
        return "date"
    if pa.types.is_timestamp(data_type) and data_type.unit == "us":
        return "timestamp"
    raise ValueError(f"column {name} has the type {data_type}, which no mart may hold")
