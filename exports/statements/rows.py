"""Writes the rows of a long table into a sheet at the speed of SQL.

XlsxWriter looks at every cell apart: 0.37 ms of CPU for a row of 24. Here DuckDB makes one text of
a row, put where XlsxWriter keeps what it has written of the sheet (`constant_memory`), and what it
would have written itself (a test compares them), but that 69.29 is not 69.29000000000001. What is
not plain is left to it. The version of XlsxWriter is pinned, since this leans on its inner names.
"""

from collections.abc import Callable, Mapping, Sequence
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
NOT_PLAIN = r"[\x00-\x1f\x7f-\x9f&<>\x{fffe}\x{ffff}]|_x|^[\s\p{Z}]|[\s\p{Z}]$"
LONGEST_TEXT = 16_000  # characters
LARGEST = 10**15  # up to here a number is what its digits say, in parts too
ROWS_AT_A_TIME = 10_000

LeftOver = Callable[[int, Mapping[str, Any]], None]


def write_rows(
    sheet: Worksheet,
    columns: Sequence[ExportColumn],
    styles: Sequence[Format],
    rows: duckdb.DuckDBPyRelation,
    first: int,
    write_row: LeftOver,
) -> tuple[int, dict[str, int]]:
    """Write rows in their order from row `first` (counted from 0); the row behind them, and the
    sums of the totalled columns. `write_row` writes one row cell by cell.
    """
    totalled = [column.column for column in columns if column.is_totalled]
    sums, row = dict.fromkeys(totalled, 0), first
    if rows.limit(1).fetchone() is None:
        return row, sums
    sheet._write_single_row(row)  # what stands above, so that its formats are numbered before
    numbered = rows.project(f"*, row_number() over () + {first} as row_number")
    texts = numbered.project(f"{_row_text(sheet, columns, styles, first)}, *")
    for batch in texts.to_arrow_reader(ROWS_AT_A_TIME):
        _write_batch(sheet, batch, row, write_row)
        row += batch.num_rows
        for name in totalled:
            sums[name] += pc.sum(batch[name]).as_py() or 0
    return row, sums


def relation_of(
    columns: Sequence[ExportColumn], rows: Sequence[Mapping[str, Any]]
) -> duckdb.DuckDBPyRelation:
    """Rows in memory as `write_rows` takes them."""
    return duckdb.from_arrow(table_of(columns, rows))


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


def _write_batch(sheet: Worksheet, batch: pa.RecordBatch, first: int, write_row: LeftOver) -> None:
    """Write the texts of a batch, and row by row what has none."""
    texts = batch["row_text"]
    done = 0
    for index in [*pc.indices_nonzero(texts.is_null()).to_pylist(), batch.num_rows]:
        if index > done:
            sheet._write_single_row(first + index - 1)  # what was written before, cell by cell
            sheet.fh.write("".join(texts.slice(done, index - done).to_pylist()))
            sheet.dim_rowmax = first + index - 1
        if index < batch.num_rows:
            write_row(first + index, batch.slice(index, 1).to_pylist()[0])
        done = index + 1


def _row_text(
    sheet: Worksheet, columns: Sequence[ExportColumn], styles: Sequence[Format], first: int
) -> str:
    """SQL of a row's text; NULL if the row is not plain."""
    begin, end = _row_head(sheet)
    parts, plain = [sql_text(begin), "row_number", sql_text(end)], ["true"]
    for index, (column, style) in enumerate(zip(columns, styles, strict=True)):
        # The formats are numbered as XlsxWriter does, when it first writes them.
        sheet._check_dimensions(first, index)
        head = f'<c r="{xl_col_to_name(index)}', f'" s="{style._get_xf_index()}"'
        name = sql_name(column.column)
        is_plain, inside = _cell(column.kind, name)
        parts += [sql_text(head[0]), "row_number", sql_text(head[1]), f"coalesce({inside}, '/>')"]
        plain.append(f"coalesce({is_plain}, true)")
    text = f"concat({', '.join(parts)}, '</row>')"
    return f"case when {' and '.join(plain)} then {text} end as row_text"


def _row_head(sheet: Worksheet) -> tuple[str, str]:
    """XlsxWriter's tag of a row, before and behind its number."""
    written, sheet.fh = sheet.fh, StringIO()
    sheet._write_row(0, None)
    begin, _, end = sheet.fh.getvalue().partition('"1"')
    sheet.fh = written
    return f'{begin}"', f'"{end}'


def _cell(kind: str, name: str) -> tuple[str, str]:
    """SQL of whether a value is plain, and of what stands inside its cell; NULL of NULL."""
    if kind == "text":
        is_odd = f"length({name}) > {LONGEST_TEXT} or regexp_matches({name}, {sql_text(NOT_PLAIN)})"
        return f"not ({is_odd})", f"' t=\"inlineStr\"><is><t>' || {name} || '</t></is></c>'"
    if kind == "flag":
        shown = f"case when {name} then '是' when not {name} then '否' end"
        return "true", f"' t=\"inlineStr\"><is><t>' || {shown} || '</t></is></c>'"
    if kind in ("date", "month"):
        return "true", f"'><v>' || (cast({name} as date) - date '1899-12-30') || '</v></c>'"
    is_exact = f"abs({name}) < {LARGEST}"
    divisor = DIVISORS.get(kind, 1)
    if divisor == 1:
        return is_exact, f"'><v>' || {name} || '</v></c>'"
    digits = len(str(divisor)) - 1
    part = f"lpad(cast(abs({name}) % {divisor} as varchar), {digits}, '0')"
    shown = (
        f"case when {name} < 0 then '-' else '' end || (abs({name}) // {divisor})"
        f" || case when {name} % {divisor} = 0 then '' else '.' || rtrim({part}, '0') end"
    )
    return is_exact, f"'><v>' || {shown} || '</v></c>'"
