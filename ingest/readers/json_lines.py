"""One JSON object a line. Numbers stay the text they are: no amount becomes binary.

A header that a sender has changed may differ from line to line, so each line is read by itself: of
the headers of a column the one counts that holds a value, and null is no value.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from ingest.core.contract import Table
from ingest.readers.rows import BrokenRow, Numbering, Rows
from ingest.readers.text import TextStream

BOOLEANS = {True: "true", False: "false"}
Cells = list[str | None]


def read_json_lines(table: Table, file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Rows of one file, part by part; a key that an object lacks is an empty value."""
    parse = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode
    names = [column.name for column in table.file_columns]
    numbering, number = Numbering(), 0
    for lines in TextStream(file, table.encoding or "utf-8", path).lines():
        rows: list[Cells] = []
        for number, line in enumerate(lines, start=number + 1):  # noqa: B020 - it goes on counting
            entry = _json_object(parse, line)
            if entry is None:
                numbering.put_aside(BrokenRow(number, "not_json", None, line))
                continue
            row, fault = _cells(table, entry)
            if fault:
                numbering.put_aside(BrokenRow(number, *fault, line))
            else:
                rows.append(row)
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        arrays = [pa.array(cells, pa.large_string()) for cells in columns]
        yield numbering.rows(pa.table(arrays, names))
    yield from numbering.rest(names)


def _cells(table: Table, entry: dict[str, Any]) -> tuple[Cells, tuple[str, str] | None]:
    """Texts of an object in the contract's order; or what is wrong with it, and in which column."""
    cells: Cells = []
    for column in table.file_columns:
        values = [entry[header] for header in column.headers if entry.get(header) is not None]
        value = values[0] if values else None
        if isinstance(value, (dict, list)):
            return [], ("nested", column.name)
        if any(other != value for other in values):
            return [], ("two_values", column.name)
        cells.append(BOOLEANS[value] if isinstance(value, bool) else value)
    return cells, None


def _json_object(parse: Callable[[str], Any], line: str) -> dict[str, Any] | None:
    """The object of one line; None if it is none, or holds half of a character."""
    try:
        entry = parse(line)
        if "\\u" in line:
            json.dumps(entry, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
