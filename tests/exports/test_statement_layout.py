"""How statements look on paper: widths, covers with many merchants, what is not there."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from exports.catalogue import ExportColumn, read_catalogue
from exports.published import open_current
from exports.statements.cover import checks_of, write_cover
from exports.statements.figures import MonthReader, Party
from exports.statements.header import Header, Made
from exports.statements.sheets import Page, Styles
from exports.statements.streamed import streamed_workbook
from ingest.core.settings import Settings
from tests.exports.small_publication import BUSINESS_DATE, RUN_KEY, VERSION, publish_small


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    return publish_small(tmp_path / "lake")


def test_a_column_is_as_wide_as_its_total(tmp_path: Path) -> None:
    """-1,930,021,310 is 14 characters, which bold digits and the sign's room make 19."""
    columns = [
        ExportColumn("net_fen", "净额（分）", "fen", 13, True, True),
        ExportColumn("count", "笔数", "count", 9, True, True),
    ]
    path = tmp_path / "wide.xlsx"
    with streamed_workbook(path) as workbook:
        page = Page(workbook, Styles(workbook), "明细", "", "")
        page.widths(columns)
        page.table(columns, [{"net_fen": -1_930_021_310, "count": 1}], {})
    sheet = openpyxl.load_workbook(path)["明细"]
    assert round(sheet.column_dimensions["A"].width) == 20
    assert round(sheet.column_dimensions["B"].width) == 10


@pytest.mark.parametrize(("count", "is_listed"), [(10, True), (11, False)])
def test_a_cover_lists_up_to_ten_merchants(
    published: Settings, tmp_path: Path, count: int, is_listed: bool
) -> None:
    catalogue = read_catalogue()
    with open_current(published) as (_, connection):
        month = MonthReader(connection, date(2026, 1, 1), catalogue).read()
    [mall] = [each for each in month.parties if each.party.party == "mall"]
    merchants = [Party(f"mall/S{number}", f"商户{number}", "merchant") for number in range(count)]
    figures = replace(mall, counterparties=(*mall.counterparties, *merchants))
    made = Made(RUN_KEY, "0f" * 32, "c0" * 32)
    header = Header(*("JS", "草稿", BUSINESS_DATE, BUSINESS_DATE, VERSION, (), None), made)
    path = tmp_path / "cover.xlsx"
    with streamed_workbook(path) as workbook:
        page = Page(workbook, Styles(workbook), "封面", "", "")
        write_cover(page, header, figures, month, catalogue)
    shown = [row[0] for row in openpyxl.load_workbook(path)["封面"].iter_rows(values_only=True)]
    assert ("商户9" in shown) == is_listed
    assert (f"商户 {count} 家，逐家见“往来对照”" in shown) != is_listed
    assert "集团积分基金" in shown


def test_what_has_no_points_is_not_checked_for_them_on_a_cover(published: Settings) -> None:
    with open_current(published) as (_, connection):
        month = MonthReader(connection, date(2026, 1, 1), read_catalogue()).read()
    [mall] = [each for each in month.parties if each.party.party == "mall"]
    bank = replace(mall, party=Party("bank", "银行", "outside"))
    names = [[name for name, _ in checks_of(each, month)] for each in (mall, bank)]
    assert names[0] == [*names[1], "积分负债滚动平衡"]


@pytest.mark.parametrize(("rows", "pages"), [(75, None), (76, 0)])
def test_a_sheet_of_up_to_75_rows_takes_one_page(
    tmp_path: Path, rows: int, pages: int | None
) -> None:
    path = tmp_path / "short.xlsx"
    with streamed_workbook(path) as workbook:
        page = Page(workbook, Styles(workbook), "积分负债", "", "")
        for _ in range(rows):
            page.line("一行")
        page.on_one_page()
    sheet = openpyxl.load_workbook(path)["积分负债"]
    assert sheet.page_setup.fitToHeight == pages  # what no number says is one page; 0 is any number
