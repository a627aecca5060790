"""The rows of a long table as a sheet's XML, at the speed of SQL.

XlsxWriter looks at every cell apart: 0.37 ms of CPU for a row of 24. Here DuckDB makes one text of
a row, what XlsxWriter would have written itself (a test compares them), but that 69.29 is not
69.29000000000001. What is not plain is left to it. The version of XlsxWriter is pinned, since this
leans on its inner names.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from exports.catalogue import ExportColumn
from exports.reader import sql_name, sql_text

# Whole numbers in the marts, shown as parts of these.
DIVISORS = {"yuan": 100, "per_mille": 1000, "per_10000": 10_000, "unit_price": 1_000_000}
# The texts of a row are looked at in one go, with | between them: 1.2 us a row instead of 1.8.
NOT_PLAIN = r"[\x00-\x1f\x7f-\x9f&<>\x{fffe}\x{ffff}]|_x|(^|\|)[\s\p{Z}]|[\s\p{Z}](\||$)"
LONGEST_TEXT = 16_000  # characters
LARGEST = 10**15  # up to here a number is what its digits say, in parts too
ROWS_AT_A_TIME = 10_000

LeftOver = Callable[[int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class LongTable:
    """So many rows that belong into a sheet from row `first` (counted from 0), in their order, and
    the SQL of a row's text. `write_row` writes one row cell by cell.
    """

    sheet: Worksheet
    rows: duckdb.DuckDBPyRelation
    count: int
    first: int
    row_text: str
    write_row: LeftOver

    def texts(self) -> Iterator[bytes | memoryview]:
        """The rows' XML, many at a time; ValueError if they are not as many as were counted: their
        sums would be those of others.
        """
        numbered = self.rows.project(f"*, row_number() over () + {self.first} as row_number")
        first = self.first
        for batch in numbered.project(f"{self.row_text}, *").to_arrow_reader(ROWS_AT_A_TIME):
            yield from self._texts_of(batch, first)
            first += batch.num_rows
        if first != self.first + self.count:
            found = first - self.first
            raise ValueError(f"{self.sheet.name}: {self.count} rows were counted, {found} written")

    def _texts_of(self, batch: pa.RecordBatch, first: int) -> Iterator[bytes | memoryview]:
        """Texts lie one behind the other in memory; what has none stands between two."""
        texts = batch["row_text"]
        _, offsets, data = (memoryview(part) if part else part for part in texts.buffers())
        if data is None or texts.offset:
            raise ValueError("texts of rows are not as Arrow lays them out")
        ends, done = offsets.cast("i"), 0
        for index in [*pc.indices_nonzero(texts.is_null()).to_pylist(), batch.num_rows]:
            if index > done:
                yield data[ends[done] : ends[index]]
            if index < batch.num_rows:
                yield self._odd_text(first + index, batch.slice(index, 1).to_pylist()[0])
            done = index + 1

    def _odd_text(self, number: int, values: Mapping[str, Any]) -> bytes:
        """What XlsxWriter writes of a row; it is done with the sheet, so it is taken back to it."""
        self.sheet.fh, self.sheet.previous_row = StringIO(), number
        self.write_row(number, values)
        self.sheet._write_single_row(number)
        return str(self.sheet.fh.getvalue()).encode()


def relation_of(
    columns: Sequence[ExportColumn], rows: Sequence[Mapping[str, Any]]
) -> duckdb.DuckDBPyRelation:
    """Rows in memory as `add_rows` takes them."""
    return duckdb.connect().from_arrow(table_of(columns, rows))


def table_of(columns: Sequence[ExportColumn], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows in memory as a table of the columns, each of its kind's type."""
    values = {
        column.column: pa.array([row[column.column] for row in rows], _type(column.kind))
        for column in columns
    }
    return pa.table(values)


def _type(kind: str) -> pa.DataType:
    types = {"text": pa.string(), "flag": pa.bool_(), "date": pa.date32(), "month": pa.date32()}
    return types.get(kind, pa.int64())


def row_text(sheet: Worksheet, columns: Sequence[ExportColumn], styles: Sequence[Format]) -> str:
    """SQL of the text of a row whose number (from 1) is `row_number`; NULL if it is not plain."""
    begin, end = _row_head(sheet)
    parts, texts, plain = [sql_text(begin), "row_number", sql_text(end)], [], []
    for index, (column, style) in enumerate(zip(columns, styles, strict=True)):
        name = sql_name(column.column)
        # The formats are numbered as XlsxWriter does, when it first writes them.
        cell = sql_text(f'<c r="{xl_col_to_name(index)}')
        style_text = sql_text(f'" s="{style._get_xf_index()}"')
        inside = f"coalesce({_inside(column.kind, name)}, '/>')"
        parts += [cell, "row_number", style_text, inside]
        if column.kind == "text":
            texts.append(name)
        elif column.kind not in ("flag", "date", "month"):
            plain.append(f"coalesce(abs({name}) < {LARGEST}, true)")
    if texts:
        joined = f"concat_ws('|', {', '.join(texts)})"
        plain.append(f"length({joined}) <= {LONGEST_TEXT}")
        plain.append(f"not regexp_matches({joined}, {sql_text(NOT_PLAIN)})")
    is_plain = " and ".join(plain) or "true"
    # A case over all of it would make the texts one by one.
    return f"concat({', '.join(parts)}, '</row>') || case when {is_plain} then '' end as row_text"


def _row_head(sheet: Worksheet) -> tuple[str, str]:
    """XlsxWriter's tag of a row, before and behind its number."""
    written, sheet.fh = sheet.fh, StringIO()
    sheet._write_row(0, None)
    begin, _, end = sheet.fh.getvalue().partition('"1"')
    sheet.fh = written
    return f'{begin}"', f'"{end}'


def _inside(kind: str, name: str) -> str:
    """SQL of what stands inside the cell of a plain value; NULL of NULL."""
    if kind == "text":
        return f"' t=\"inlineStr\"><is><t>' || {name} || '</t></is></c>'"
    if kind == "flag":
        shown = f"case when {name} then '是' when not {name} then '否' end"
        return f"' t=\"inlineStr\"><is><t>' || {shown} || '</t></is></c>'"
    if kind in ("date", "month"):
        return f"'><v>' || (cast({name} as date) - date '1899-12-30') || '</v></c>'"
    divisor = DIVISORS.get(kind, 1)
    if divisor == 1:
        return f"'><v>' || {name} || '</v></c>'"
    part = f"0.{str(divisor)[1:-1]}1"  # 0.01 of 100
    return f"'><v>' || cast(try_cast({name} as decimal(15, 0)) * {part} as varchar) || '</v></c>'"
