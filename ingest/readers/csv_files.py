"""Delimited text: quotes as usual, rows of another length kept aside, nothing guessed."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv

from ingest.core.contract import Table
from ingest.core.errors import Problem, one_line
from ingest.readers.rows import BrokenRow, Numbering, Rows, no_rows, positions
from ingest.readers.text import TextStream
from ingest.readers.trailers import TRAILER_LINES, read_trailer

BLOCK_BYTES = 1 << 24  # a row longer than this is refused


def read_csv(table: Table, file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Rows of one file, part by part; Problem where it is not what the contract says."""
    kept_lines = TRAILER_LINES if table.trailer else 0
    stream = TextStream(file, table.encoding or "utf-8", path, kept_lines)
    first_line = stream.first_line()
    if table.trailer and stream.is_at_end():  # so that a cut is called one
        read_trailer(table, table.trailer, stream.kept, path)
    headers = _headers(first_line, table, path)
    if not stream.tail and not table.trailer:  # a day without rows may come without bytes
        headers = [column.header for column in table.file_columns]
    yield from _rows(table, stream, positions(headers, table, path), len(headers), path)
    if table.trailer:
        stated = read_trailer(table, table.trailer, stream.kept, path)
        yield Rows(no_rows([column.name for column in table.file_columns]), stated=stated)


def _rows(
    table: Table, stream: TextStream, places: Mapping[str, int], width: int, path: Path
) -> Iterator[Rows]:
    """The rows behind the line of headers, each of so many fields."""
    if stream.is_at_end():
        return
    numbering = Numbering()

    def keep_aside(row: Any) -> str:
        numbering.put_aside(BrokenRow(row.number, "field_count", None, row.text))
        return "skip"

    names = [str(position) for position in range(width)]
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


def _headers(line: str, table: Table, path: Path) -> list[str]:
    try:
        headers = next(csv.reader([line], delimiter=table.delimiter), [])
        return [header.removeprefix(table.value_prefix or "") for header in headers]
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
