"""One sheet of an Excel workbook; what Excel lost or never had is a fault of its row."""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from ingest.core.contract import Column, Table
from ingest.readers.rows import PART_ROWS, BrokenRow, Numbering, Rows, positions
from ingest.workbook import Unfit, sheet_rows

MIDNIGHT = " 00:00:00"
Cells = list[str | None]


def read_workbook(table: Table, file: BinaryIO, path: Path) -> Iterator[Rows]:
    """Rows of one file, part by part; row 1 is the one after the headers."""
    rows = sheet_rows(file, path, table.sheet)
    headers = next(rows, None)
    if headers is None:  # a day without rows may come as an empty sheet
        return
    places = positions([header or "" for header in headers], table, path)
    names = [column.name for column in table.file_columns]
    numbered = enumerate(rows, start=1)
    numbering = Numbering()
    while part := list(islice(numbered, PART_ROWS)):
        kept: list[Cells] = []
        for number, cells in part:
            fault = _fault(table, places, headers, cells)
            if fault is None:
                kept.append([_as_declared(c, cells[places[c.name]]) for c in table.file_columns])
            else:
                text = json.dumps(cells, ensure_ascii=False)
                numbering.put_aside(BrokenRow(number, *fault, text))
        columns = zip(*kept, strict=True) if kept else [()] * len(names)
        arrays = [pa.array(cells, pa.large_string()) for cells in columns]
        yield numbering.rows(pa.table(arrays, names))
    yield from numbering.rest(names)


def _fault(
    table: Table, places: Mapping[str, int], headers: Cells, cells: Cells
) -> tuple[str, str | None] | None:
    """Rule and column that a row breaks as a row of a sheet; None if it can be taken apart."""
    if len(cells) > len(headers):
        return "field_count", None
    for column in table.file_columns:
        cell = cells[places[column.name]]
        if isinstance(cell, Unfit):
            return cell.rule, column.name
    return None


def _as_declared(column: Column, cell: str | None) -> str | None:
    """A cell as its column's type is written: Excel shows a date with or without its midnight."""
    if column.data_type == "date" and cell is not None:
        return cell.removesuffix(MIDNIGHT)
    return cell
