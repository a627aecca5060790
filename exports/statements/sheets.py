"""How a sheet of a statement is laid out: titles, two header rows, typed cells, totals, paper.

Text is always written as text (a value like `=1+1` stays that), money as yuan from whole fen, and
dates as dates. Rows are written downwards only: the workbook keeps just the current row in memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from exports.catalogue import ExportColumn
from exports.statements.rows import DIVISORS, relation_of
from exports.statements.streamed import StreamedWorkbook
from ingest.core.errors import Problem

FONT = {"font_name": "微软雅黑", "font_size": 10, "valign": "vcenter"}
NAVY, PALE_BLUE, PALE_GREY, GREY, RULE = "#1F3864", "#DCE6F1", "#F2F2F2", "#7F7F7F", "#BFBFBF"
GREEN, AMBER = "#2E7D32", "#B45309"
WHOLE = "#,##0_ ;[Red]-#,##0_ "  # the space keeps figures off the border
NUMBER_FORMATS = {
    "text": "@",
    "flag": "@",
    "date": "yyyy-mm-dd",
    "month": "yyyy-mm",
    "count": WHOLE,
    "points": WHOLE,
    "fen": WHOLE,
    "micro_fen": WHOLE,
    "yuan": "#,##0.00_ ;[Red]-#,##0.00_ ",
    "unit_price": "0.000000_ ",
    "per_mille": "0.0%",
    "per_10000": "0.00%",
}
CENTRED_KINDS = ("flag", "date", "month")
A4 = 9
Rows = Sequence[Mapping[str, Any]] | duckdb.DuckDBPyRelation
BOLD = 1.15  # of the width of a plain digit
MOST_ROWS_OF_A_PAGE = 75
FEW_ROWS = 100  # more are worth a query
SUBTOTAL = "小计"
TOTAL_LINE = {"bold": True, "bg_color": PALE_GREY, "top": 1, "bottom": 6}
SUBTOTAL_LINE = {"bold": True, "bg_color": PALE_GREY, "top": 1, "bottom": 1}


class Styles:
    """Cell formats of one workbook, made once each."""

    def __init__(self, workbook: StreamedWorkbook) -> None:
        self._xlsx = workbook.xlsx
        self._made: dict[tuple[tuple[str, Any], ...], Format] = {}

    def get(self, **properties: Any) -> Format:
        """The format with these properties on top of the statement's font."""
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._xlsx.add_format({**FONT, **properties})
        return self._made[key]

    def value(self, kind: str, **properties: Any) -> Format:
        """The format of a value of one kind: number format and side."""
        format_ = {"num_format": NUMBER_FORMATS[kind], **properties}
        if kind in CENTRED_KINDS:
            return self.get(align="center", **format_)
        if kind == "text":
            return self.get(align="left", indent=1, **format_)
        return self.get(align="right", **format_)

    def cell(self, kind: str, **properties: Any) -> Format:
        """The format of a table cell."""
        return self.value(kind, border=1, border_color=RULE, **properties)


def write_value(
    sheet: Worksheet, row: int, column: int, kind: str, value: Any, style: Format
) -> None:
    """One value as what it is; nothing is ever guessed from how a text looks."""
    if value is None:
        sheet.write_blank(row, column, None, style)
    elif kind == "text":
        sheet.write_string(row, column, str(value), style)
    elif kind == "flag":
        sheet.write_string(row, column, "是" if value else "否", style)
    elif kind in ("date", "month"):
        sheet.write_datetime(row, column, value, style)
    elif kind in DIVISORS:
        sheet.write_number(row, column, value / DIVISORS[kind], style)
    else:
        sheet.write_number(row, column, value, style)


def shown_width(kind: str, total: int) -> int:
    """Characters that a bold number of a table takes with its signs, so that it is never ####."""
    decimals = 2 if kind == "yuan" else 0
    return int(len(f"{total / DIVISORS.get(kind, 1):,.{decimals}f}") * BOLD) + 3


def _groups(rows: Rows, by: str | None) -> Iterator[Any]:
    """Rows that follow each other with one value of `by`; all of them if there is none."""
    if by is None or isinstance(rows, duckdb.DuckDBPyRelation):
        yield rows
    else:
        yield from (list(group) for _, group in groupby(rows, itemgetter(by)))


class Page:
    """One sheet being written from top to bottom; `row` is the next free row, from 0."""

    def __init__(
        self,
        workbook: StreamedWorkbook,
        styles: Styles,
        name: str,
        footer: str,
        banner: str,
    ) -> None:
        self.workbook = workbook
        self.sheet = workbook.xlsx.add_worksheet(name)
        self.styles = styles
        self.name = name
        self.row = 0
        self._widths: dict[int, int] = {}
        self.sheet.hide_gridlines(2)
        self.sheet.set_default_row(16)
        self.sheet.set_landscape()
        self.sheet.set_paper(A4)
        self.sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.7)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.center_horizontally()
        self.sheet.set_footer(footer)
        if banner:
            self.sheet.set_header(f"&C&12&K{AMBER[1:]}{banner}")

    def widths(self, columns: Sequence[ExportColumn]) -> None:
        """Set the width of each column."""
        for index, column in enumerate(columns):
            self.widen(index, column.width)

    def widen(self, index: int, width: int) -> None:
        """Make a column at least so many characters wide."""
        if width > self._widths.get(index, 0):
            self._widths[index] = width
            self.sheet.set_column(index, index, width)

    def on_one_page(self) -> None:
        """Print on one page what would leave a few lines for a second one."""
        if self.row <= MOST_ROWS_OF_A_PAGE:
            self.sheet.fit_to_pages(1, 1)

    def print_only(self, columns: Sequence[ExportColumn]) -> None:
        """Leave to the screen the columns that are not for paper; they are the last ones."""
        printed = sum(column.is_printed for column in columns)
        self.sheet.print_area(0, 0, self.row - 1, printed - 1)

    def line(self, text: str, height: int = 0, **properties: Any) -> None:
        """A line of running text."""
        if height:
            self.sheet.set_row(self.row, height)
        self.sheet.write_string(self.row, 0, text, self.styles.get(**properties))
        self.row += 1

    def title(self, title: str, subtitle: str) -> None:
        """Two lines at the top, what this is and whose, and a free one."""
        self.line(title, 26, bold=True, font_size=16, font_color=NAVY)
        self.line(subtitle, font_color=GREY)
        self.row += 1

    def heading(self, text: str) -> None:
        """The line above a table."""
        self.line(text, 20, bold=True, font_size=12, font_color=NAVY)

    def head(self, labels: Sequence[tuple[str, str]]) -> None:
        """Two header rows: Chinese label, English field name."""
        box = {"border": 1, "border_color": RULE, "align": "center"}
        label_style = self.styles.get(bold=True, bg_color=PALE_BLUE, **box)
        field_style = self.styles.get(font_size=8, font_color=GREY, bg_color=PALE_GREY, **box)
        self.sheet.set_row(self.row, 24)
        for index, (label, _) in enumerate(labels):
            self.sheet.write_string(self.row, index, label, label_style)
        self.sheet.set_row(self.row + 1, 16)
        for index, (_, field) in enumerate(labels):
            self.sheet.write_string(self.row + 1, index, field, field_style)
        self.row += 2

    def table(
        self,
        columns: Sequence[ExportColumn],
        rows: Rows,
        expected: Mapping[str, int],
        is_held: bool = True,
        subtotals_by: str | None = None,
    ) -> None:
        """Header, rows and total row; a held header stays on screen and paper, with a filter. Rows
        that follow each other with one value of `subtotals_by` have a subtotal under them.

        Problem if a written column does not sum to what `expected` (field: total) says.
        """
        top = self.row
        self.head([(column.label, column.field) for column in columns])
        styles = [self.styles.cell(column.kind) for column in columns]
        totals = {column.column: 0 for column in columns if column.is_totalled}
        for group in _groups(rows, subtotals_by):
            sums = self._rows(columns, styles, group)
            totals = {column: total + sums[column] for column, total in totals.items()}
            if subtotals_by:
                name = f"{group[0][columns[0].column]} {SUBTOTAL}"
                self.total(columns, sums, name, SUBTOTAL_LINE)
        for name in sorted(totals.keys() & expected.keys()):
            if totals[name] != expected[name]:
                raise Problem(
                    f"sheet {self.name}: column {name} sums to {totals[name]}, not "
                    f"{expected[name]}; the statement was not written, publish the night again"
                )
        self.total(columns, totals)
        if is_held:
            self.hold_header(top, len(columns), self.row - 2)

    def _rows(
        self, columns: Sequence[ExportColumn], styles: Sequence[Format], rows: Rows
    ) -> dict[str, int]:
        """Write rows; the sums of their totalled columns."""

        def write_row(number: int, values: Mapping[str, Any]) -> None:
            for index, column in enumerate(columns):
                value = values[column.column]
                write_value(self.sheet, number, index, column.kind, value, styles[index])

        if not isinstance(rows, duckdb.DuckDBPyRelation) and len(rows) > FEW_ROWS:
            rows = relation_of(columns, rows)
        if isinstance(rows, duckdb.DuckDBPyRelation):
            self.row, sums = self.workbook.add_rows(
                self.sheet, columns, styles, rows, self.row, write_row
            )
            return sums
        for values in rows:
            write_row(self.row, values)
            self.row += 1
        totalled = [column.column for column in columns if column.is_totalled]
        return {name: sum(values[name] or 0 for values in rows) for name in totalled}

    def total(
        self,
        columns: Sequence[ExportColumn],
        totals: Mapping[str, int],
        label: str = "合计",
        line: Mapping[str, Any] = TOTAL_LINE,
    ) -> None:
        """A row of totals, as values."""
        for index, column in enumerate(columns):
            if column.is_totalled:
                style = self.styles.value(column.kind, **line)
                total = totals[column.column]
                self.widen(index, shown_width(column.kind, total))
                write_value(self.sheet, self.row, index, column.kind, total, style)
            else:
                text = label if index == 0 else ""
                self.sheet.write_string(self.row, index, text, self.styles.get(**line))
        self.row += 1

    def hold_header(self, top: int, columns: int, last_row: int) -> None:
        """Freeze, repeat and filter the header whose two rows start at `top`."""
        self.sheet.freeze_panes(top + 2, 0)
        self.sheet.repeat_rows(top, top + 1)
        self.sheet.autofilter(top + 1, 0, max(last_row, top + 1), columns - 1)
