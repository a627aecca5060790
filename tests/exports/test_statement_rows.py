"""Rows written as one text against the same rows written cell by cell by XlsxWriter."""

import re
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exports.catalogue import ExportColumn
from exports.statements import rows as statement_rows
from exports.statements import sheets
from exports.statements.rows import relation_of
from exports.statements.streamed import streamed_workbook

KINDS = {
    "text": st.text(max_size=12),
    "flag": st.booleans(),
    "date": st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    "month": st.dates(date(1900, 3, 1), date(9999, 12, 31)),
    "count": st.integers(-(10**15), 10**15),
    "micro_fen": st.integers(-(10**15), 10**15),
    "yuan": st.integers(-(10**15), 10**15),
    "unit_price": st.integers(0, 10**9),
    "per_mille": st.integers(0, 1000),
    "per_10000": st.integers(0, 10_000),
}
NUMBER = re.compile(rb"<v>([^<]*)</v>")
COLUMNS = tuple(ExportColumn(kind, kind, kind, 10, False, True) for kind in KINDS)
PLAIN = {
    "text": "会员", "flag": True, "date": date(2026, 10, 31), "month": date(2026, 10, 1),
    "count": 3, "micro_fen": -5, "yuan": 1_050, "unit_price": 10_000, "per_mille": 8,
    "per_10000": 1,
}  # fmt: skip


def written(rows: list[dict[str, Any]]) -> bytes:
    """A workbook with a table of these rows between two lines of text."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "book.xlsx"
        with streamed_workbook(path) as workbook:
            workbook.xlsx.set_properties({"created": datetime(2026, 10, 31)})
            page = sheets.Page(workbook, sheets.Styles(workbook), "明细", "", "")
            page.line("before")
            page.table(COLUMNS, rows, {})
            page.line("behind")
        return path.read_bytes()


def files(book: bytes) -> dict[str, bytes]:
    """The files of a workbook; numbers as what they are, however they are written."""
    with zipfile.ZipFile(BytesIO(book)) as parts:
        return {
            name: NUMBER.sub(lambda found: repr(float(found[1])).encode(), parts.read(name))
            for name in parts.namelist()
        }


@given(st.lists(st.fixed_dictionaries({k: st.none() | v for k, v in KINDS.items()}), max_size=4))
@example([PLAIN, PLAIN | {"text": " =1+1"}, PLAIN | {"text": "_x0041_ & <b>"}, PLAIN])
@example([PLAIN | {"text": "<r>x</r>"}, PLAIN | {"text": "\x00\ufffe"}, PLAIN | {"yuan": 0}])
@example([PLAIN | {"yuan": 6929, "unit_price": 1}, PLAIN | {"yuan": -10}, PLAIN | {"yuan": 10**15}])
def test_rows_are_what_xlsxwriter_writes(rows: list[dict[str, Any]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "FEW_ROWS", -1)
        fast = written(rows)
    assert files(fast) == files(written(rows))


def test_plain_rows_are_not_left_to_xlsxwriter(tmp_path: Path) -> None:
    left = []
    with streamed_workbook(tmp_path / "book.xlsx") as workbook:
        page = sheets.Page(workbook, sheets.Styles(workbook), "明细", "", "")
        styles = [page.styles.cell(column.kind) for column in COLUMNS]
        rows = relation_of(COLUMNS, [PLAIN, PLAIN | {"text": "a\nb"}, PLAIN])
        behind, sums = workbook.add_rows(
            page.sheet, COLUMNS, styles, rows, 4, lambda number, _: left.append(number)
        )
    assert left == [5]
    assert behind == 7
    assert sums == {}


def test_rows_of_many_batches_follow_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [PLAIN | {"count": number} for number in range(3)]
    rows.insert(1, PLAIN | {"text": "a\nb"})
    monkeypatch.setattr(sheets, "FEW_ROWS", -1)
    at_once = written(rows)
    monkeypatch.setattr(statement_rows, "ROWS_AT_A_TIME", 1)
    assert written(rows) == at_once


def test_totalled_columns_are_summed(tmp_path: Path) -> None:
    columns = (ExportColumn("yuan", "yuan", "yuan", 10, True, True),)
    with streamed_workbook(tmp_path / "book.xlsx") as workbook:
        page = sheets.Page(workbook, sheets.Styles(workbook), "明细", "", "")
        rows = relation_of(columns, [{"yuan": 105}, {"yuan": None}, {"yuan": -5}])
        style = [page.styles.cell("yuan")]
        behind, sums = workbook.add_rows(page.sheet, columns, style, rows, 0, lambda *_: None)
    assert (behind, sums) == (3, {"yuan": 100})


def test_a_table_without_rows_leaves_no_room(tmp_path: Path) -> None:
    columns = (ExportColumn("yuan", "yuan", "yuan", 10, True, True),)
    with streamed_workbook(tmp_path / "book.xlsx") as workbook:
        page = sheets.Page(workbook, sheets.Styles(workbook), "明细", "", "")
        style = [page.styles.cell("yuan")]
        rows = relation_of(columns, [])
        assert workbook.add_rows(page.sheet, columns, style, rows, 2, lambda *_: None) == (
            2,
            {"yuan": 0},
        )


def test_rows_that_come_after_the_sums_were_taken_leave_no_workbook(tmp_path: Path) -> None:
    columns = (ExportColumn("yuan", "yuan", "yuan", 10, True, True),)
    path = tmp_path / "book.xlsx"
    database = duckdb.connect()
    database.execute("create table amounts as select 105::bigint as yuan")

    def write() -> None:
        with streamed_workbook(path) as workbook:
            page = sheets.Page(workbook, sheets.Styles(workbook), "明细", "", "")
            style, rows = [page.styles.cell("yuan")], database.table("amounts")
            workbook.add_rows(page.sheet, columns, style, rows, 0, lambda *_: None)
            database.execute("insert into amounts values (1)")

    with pytest.raises(ValueError, match="明细: 1 rows were counted, 2 written"):
        write()
    assert not path.exists()


def test_the_rows_can_be_unzipped_and_hold_their_values() -> None:
    with zipfile.ZipFile(BytesIO(written([PLAIN]))) as book:
        xml = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<v>46326</v>" in xml  # 31 October 2026, in days of Excel
    assert "<v>10.5</v>" in xml
