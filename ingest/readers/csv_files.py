"""Delimited text: quotes as usual, rows of another length kept aside, nothing guessed."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from ingest.core.contract import Table
from ingest.core.errors import Problem, one_line
from ingest.readers.rows import BrokenRow, Numbering, Rows, positions
from ingest.readers.text import TextStream

BLOCK_BYTES = 1 << 24  # a row longer than this is refused


def read_csv(table: Table, file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Rows of one file, part by part; Problem where it is not what the contract says."""
    stream = TextStream(file, table.encoding or "utf-8", path)
    headers = _headers(stream.first_line(), table.delimiter, path)
    if not stream.tail:  # a day without rows may come as a file without bytes
        headers = [column.header for column in table.file_columns]
    places = positions(headers, table, path)
    if stream.is_at_end():
        return
    numbering = Numbering()

    def keep_aside(row: Any) -> str:
        numbering.put_aside(BrokenRow(row.number, "field_count", None, row.text))
        return "skip"

    names = [str(position) for position in range(len(headers))]
    wanted = {str(places[column.name]): column.name for column in table.file_columns}
    last: pa.RecordBatch | None = None
    try:
        reader = pyarrow.csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names),
            pyarrow.csv.ParseOptions(
                delimiter=table.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=keep_aside,
            ),
            pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
        for last in reader:
            texts = [last.column(place) for place in wanted]
            part = pa.RecordBatch.from_arrays(texts, list(wanted.values()))
            yield numbering.rows(part, may_hold_nul=stream.has_nul)
    except pa.ArrowInvalid as error:
        raise Problem(f"{path} cannot be read as CSV: {one_line(error)}") from error
    if _ends_inside_quotes(stream.tail, last):
        raise Problem(f"{path} is cut off inside a quoted field; ask for the file again")
    yield from numbering.rest([column.name for column in table.file_columns])


def _headers(line: str, delimiter: str, path: Path) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error as error:
        raise Problem(
            f"{path}: its first line is no line of headers ({error}); ask for the file again"
        ) from error


def _ends_inside_quotes(tail: bytes, last: pa.RecordBatch | None) -> bool:
    """True if a quote opened in the last row never closes: its line end was taken for text."""
    if last is None or last.num_rows == 0 or tail.rstrip(b"\r\n").endswith(b'"'):
        return False
    text = last.column(last.num_columns - 1)[-1].as_py()
    return bool(text) and text.endswith("\n")
