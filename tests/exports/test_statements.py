"""Statements: the pool fund example of RULES §7 on paper, in Excel and in CSV."""

import csv
import json
from dataclasses import fields, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from exports.catalogue import ExportColumn, read_catalogue
from exports.folder import ExportFolder, copy_csv, file_name
from exports.nightly import export
from exports.statements import pack
from exports.statements.cover_pdf import as_text
from exports.statements.figures import Party
from exports.statements.month import Month
from exports.statements.pack import write_pack
from ingest.core.errors import Problem
from ingest.core.settings import Settings
from tests.exports.small_publication import (
    BUSINESS_DATE,
    VERSION,
    close_small,
    publish_small,
    settings_of,
)

PARTIES = ("hotel", "mall", "parking", "fund")
NAMES = {"hotel": "酒店", "mall": "购物中心", "parking": "停车场", "fund": "集团积分基金"}


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    return publish_small(tmp_path)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The example with its drafts, for tests that only look."""
    settings = publish_small(tmp_path_factory.mktemp("exported"))
    export(settings, BUSINESS_DATE)
    return settings


def folder_of(settings: Settings, party: str) -> Path:
    return settings.lake / "outbox" / "statements" / "2026-01" / party


def workbook_of(settings: Settings, party: str, status: str = "草稿") -> Any:
    path = folder_of(settings, party) / f"结算单_{NAMES[party]}_2026-01_{status}.xlsx"
    return openpyxl.load_workbook(path)


def cover_of(workbook: Any) -> dict[str, Any]:
    """The cover as field: value, from both halves."""
    rows = list(workbook["封面"].iter_rows(values_only=True))
    return {row[at]: row[at + 1] for row in rows for at in (1, 5) if row[at]}


def table_of(
    sheet: Any, first_field: str, last: bool = False
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows and the total row of the first (or last) table whose English header starts with a
    field.
    """
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    tops = [index for index, row in enumerate(rows) if row[0] == first_field]
    top = tops[-1 if last else 0]
    fields = [field for field in rows[top] if field]
    found = []
    for row in rows[top + 1 :]:
        found.append(dict(zip(fields, row, strict=False)))
        if row[0] == "合计":
            break
    return found[:-1], found[-1]


def lines_of(settings: Settings, party: str, status: str = "草稿") -> list[dict[str, str]]:
    path = folder_of(settings, party) / f"明细_{NAMES[party]}_2026-01_{status}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def manifest_of(settings: Settings, party: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(
        (folder_of(settings, party) / "manifest.json").read_text(encoding="utf-8")
    )
    return content


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("party", "receivable", "payable", "net", "lines"),
    [
        ("mall", 0, 100.00, -100.00, 1),
        ("hotel", 0, 40.00, -40.00, 1),
        ("parking", 48.00, 0, 48.00, 2),
        ("fund", 140.00, 48.00, 92.00, 4),
    ],
)
def test_each_cover_says_what_the_party_is_owed_in_the_pool_fund_example(
    exported: Settings, party: str, receivable: float, payable: float, net: float, lines: int
) -> None:
    cover = cover_of(workbook_of(exported, party))
    assert cover["receivable_yuan"] == receivable
    assert cover["payable_yuan"] == payable
    assert cover["net_yuan"] == net
    assert cover["opening_yuan"] == 0
    assert cover["closing_yuan"] == net
    assert cover["line_count"] == lines


def test_the_nets_of_all_statements_sum_to_zero_fen(exported: Settings) -> None:
    nets = [manifest_of(exported, party)["net_fen"] for party in PARTIES]
    assert nets == [-4000, -10000, 4800, 9200]
    assert sum(nets) == 0


@pytest.mark.parametrize("party", PARTIES)
def test_the_summary_and_the_detail_foot_and_agree(exported: Settings, party: str) -> None:
    workbook = workbook_of(exported, party)
    summary, summary_total = table_of(workbook["汇总"], "movement_name")
    lines, lines_total = table_of(workbook["明细"], "line_no")
    assert sum(row["net_fen"] for row in summary) == summary_total["net_fen"]
    assert sum(row["net_fen"] for row in lines) == lines_total["net_fen"]
    assert summary_total["net_fen"] == lines_total["net_fen"]
    assert summary_total["receivable_yuan"] == lines_total["receivable_yuan"]
    assert summary_total["payable_yuan"] == lines_total["payable_yuan"]
    assert summary_total["line_count"] == len(lines)


def test_the_fund_summary_has_a_row_for_issue_and_one_for_redemption(exported: Settings) -> None:
    rows, total = table_of(workbook_of(exported, "fund")["汇总"], "movement_name")
    assert [row["movement_name"] for row in rows] == ["发放", "核销"]
    assert [row["receivable_points"] for row in rows] == [14000, 0]
    assert [row["payable_points"] for row in rows] == [0, 6000]
    assert [row["net_yuan"] for row in rows] == [140.00, -48.00]
    assert total["net_yuan"] == 92.00


def test_tax_stands_on_both_statements_and_sums_to_zero(exported: Settings) -> None:
    parking, fund = (
        table_of(workbook_of(exported, party)["汇总"], "movement_name")
        for party in ("parking", "fund")
    )
    assert [(row["movement_name"], row["tax_rates"], row["net_tax_yuan"]) for row in fund[0]] == [
        ("发放", "不征税", 0),
        ("核销", "6%", -2.72),
    ]
    assert (parking[1]["net_ex_tax_yuan"], parking[1]["net_tax_yuan"]) == (45.28, 2.72)
    lines, total = table_of(workbook_of(exported, "parking")["明细"], "line_no")
    assert [(line["tax_treatment_name"], line["tax_rate"]) for line in lines] == [
        ("一般计税", 0.06),
        ("一般计税", 0.06),
    ]
    assert sorted((line["net_ex_tax_yuan"], line["net_tax_yuan"]) for line in lines) == [
        (11.32, 0.68),
        (33.96, 2.04),
    ]
    assert total["net_tax_yuan"] == 2.72
    assert sorted(line["税额（元）"] for line in lines_of(exported, "parking")) == ["0.68", "2.04"]


def test_the_csv_detail_holds_the_lines_of_the_workbook(exported: Settings) -> None:
    in_csv = lines_of(exported, "parking")
    in_sheet, _ = table_of(workbook_of(exported, "parking")["明细"], "line_no")
    assert [line["结算行号"] for line in in_csv] == ["l3", "l4"]
    assert [line["line_id"] for line in in_sheet] == ["l3", "l4"]
    assert [line["应收（元）"] for line in in_csv] == ["36.00", "12.00"]
    assert [line["净额（分）"] for line in in_csv] == ["3600", "1200"]
    assert [line["单价（分/积分）"] for line in in_csv] == ["0.800000", "0.800000"]
    assert [line["对方"] for line in in_csv] == ["集团积分基金", "集团积分基金"]


def test_a_line_names_its_document_and_what_was_paid_for_it_and_a_line_of_none_does_not(
    published: Settings,
) -> None:
    export(published, BUSINESS_DATE)
    found = [(line["源单号"], line["订单金额（元）"]) for line in lines_of(published, "parking")]
    assert sorted(found) == [("", ""), ("P-3", "336.00")]
    rows, total = table_of(workbook_of(published, "parking")["明细"], "line_no")
    assert {(row["document_no"], row["order_yuan"]) for row in rows[:2]} == {
        ("P-3", 336),
        (None, None),
    }
    assert not total["order_yuan"]  # an order has as many lines as it has parties and charges


def test_a_line_that_takes_one_back_says_why_in_words(published: Settings) -> None:
    """The figures of a reversal would be those of another example."""
    change(
        published,
        "update fct_settlement_lines set reversal_reason = 'document_corrected'"
        " where line_id = 'l4'",
    )
    export(published, BUSINESS_DATE)
    found = {line["结算行号"]: line["冲正原因"] for line in lines_of(published, "parking")}
    assert found == {"l3": "", "l4": "单据更正"}


def test_a_line_posted_this_month_names_the_month_it_belongs_to(exported: Settings) -> None:
    line = lines_of(exported, "mall")[0]
    assert (line["入账日"], line["营业日"], line["原期间"]) == (
        "2026-01-05",
        "2025-12-31",
        "2025-12",
    )


def test_values_are_what_they_are_and_not_text_that_looks_like_it(exported: Settings) -> None:
    sheet = workbook_of(exported, "mall")["明细"]
    header = next(row for row in sheet.iter_rows() if row[0].value == "line_no")
    line = {cell.value: sheet.cell(header[0].row + 1, cell.column) for cell in header if cell.value}
    assert line["posted_date"].value == datetime(2026, 1, 5)
    assert line["posted_date"].number_format == "yyyy-mm-dd"
    assert line["payable_yuan"].value == 100
    assert line["payable_yuan"].number_format.startswith("#,##0.00")
    assert line["account_id"].value == "00012"
    assert line["account_id"].data_type == "s"


def test_text_that_looks_like_a_formula_stays_text(exported: Settings) -> None:
    sheet = workbook_of(exported, "mall")["明细"]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value == "=1+1.csv"]
    assert [cell.data_type for cell in cells] == ["s"]
    assert lines_of(exported, "mall")[0]["源文件"] == "'=1+1.csv"
    formulas = [
        cell.coordinate
        for party in PARTIES
        for page in workbook_of(exported, party)
        for row in page.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert formulas == []


@pytest.mark.parametrize("name", ["汇总", "明细", "收付款", "积分负债", "差异与悬账", "调整"])
def test_a_sheet_is_ready_to_read_and_to_print(exported: Settings, name: str) -> None:
    sheet = workbook_of(exported, "fund")[name]
    assert sheet.freeze_panes == "A6"
    assert sheet.auto_filter.ref.startswith("A5:")
    assert sheet.print_title_rows == "$4:$5"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    # As many pages down as it takes (0); of the summary one, which is what no number says, or its
    # chart may be cut in two; of a short liability, too.
    assert sheet.page_setup.fitToHeight == (None if name in ("汇总", "积分负债") else 0)
    assert "&P" in sheet.oddFooter.center.text


@pytest.mark.parametrize(
    ("name", "last"),
    [("明细", "account_id"), ("差异与悬账", "state_name"), ("调整", "approved_on_date")],
)
def test_numbers_that_only_a_screen_needs_are_not_printed(
    exported: Settings, name: str, last: str
) -> None:
    sheet = workbook_of(exported, "fund")[name]
    left, right = sheet.print_area.split("!")[-1].replace("$", "").split(":")
    assert left == "A1"
    assert sheet[f"{right.rstrip('0123456789')}5"].value == last
    assert sheet[right].row == sheet.max_row


def test_columns_that_are_not_printed_are_the_last_ones() -> None:
    """What is printed is one area from the left."""
    for sheet in read_catalogue().exports.values():
        printed = [column.is_printed for column in sheet.columns]
        assert printed == sorted(printed, reverse=True), sheet.columns


def test_a_merchant_s_statement_is_of_goods_and_not_of_points(exported: Settings) -> None:
    mall = Party("mall", "购物中心")
    assert mall.statement_name == "结算单"
    assert replace(mall, party_kind="merchant").statement_name == "商户结算单"
    assert workbook_of(exported, "mall")["封面"]["A1"].value == "结算单　购物中心"


def test_the_liability_of_a_business_is_its_own_cohorts_and_the_fund_sees_all(
    exported: Settings,
) -> None:
    own, total = table_of(workbook_of(exported, "mall")["积分负债"], "issuer_name")
    assert [(row["issue_month"], row["closing_points"]) for row in own] == [
        (datetime(2025, 12, 1), 1500),
        (datetime(2026, 1, 1), 4000),
    ]
    assert own[0]["expiring_90_days_points"] == 300
    assert own[0]["redeemed_rate"] == 0.75
    assert total["closing_points"] == 10000 - 4500
    rows, total = table_of(workbook_of(exported, "fund")["积分负债"], "issuer_name")
    assert [row["issuer_business"] for row in rows if row["issue_month"]] == [
        "hotel",
        "mall",
        "mall",
    ]
    assert total["closing_points"] == 8000


def test_each_issuer_has_a_subtotal_on_the_fund_s_liability_and_none_on_its_own(
    exported: Settings,
) -> None:
    """Hotel: 4,000 − 1,500 = 2,500 points, ¥20.00; mall: 10,000 − 4,500 = 5,500, ¥44.00."""
    workbook = workbook_of(exported, "fund")
    rows, total = table_of(workbook["积分负债"], "issuer_name")
    names = ("issuer_name", "issued_points", "redeemed_points", "closing_points", "redeemed_rate")
    assert [[row[name] for name in names] for row in rows] == [
        ["酒店", 4000, 1500, 2500, 0.375],
        ["酒店 小计", 4000, 1500, 2500, ""],
        ["购物中心", 6000, 4500, 1500, 0.75],
        ["购物中心", 4000, 0, 4000, 0],
        ["购物中心 小计", 10000, 4500, 5500, ""],
    ]
    assert [total[name] for name in names[1:4]] == [14000, 6000, 8000]
    lines = [list(row) for row in workbook["积分负债金额"].iter_rows(values_only=True)]
    yuan = [row for row in lines if row[0] == "购物中心 小计" and 44.00 in row]
    assert [row[3:14] for row in yuan] == [[0, 80.00, 0, 36.00, 0, 0, 0, 0, 0, 0, 44.00]]
    taken, total = table_of(workbook["核销去向"], "issuer_name")
    assert [(row["issuer_name"], row["parking"]) for row in taken] == [
        ("酒店", 1500),
        ("酒店 小计", 1500),
        ("购物中心", 4500),
        ("购物中心 小计", 4500),
    ]
    assert total["parking"] == 6000
    for name in ("积分负债金额", "核销去向"):
        assert workbook[name].print_title_rows == "$5:$6"  # what is repeated is its own header
        assert workbook[name].freeze_panes == "A7"
    own = workbook_of(exported, "mall")["积分负债"].iter_rows(values_only=True)
    assert not any("小计" in str(row[0]) for row in own)


def test_a_campaign_s_budget_stands_on_the_statements_of_those_it_is_for(tmp_path: Path) -> None:
    """Parking bears ¥100.00 of the mall's coupons and has borne ¥100.01; the fund bears more."""
    settings = publish_small(
        tmp_path,
        """insert into fct_campaign_budgets values
            ('2025-12-01', 'mall', 'coupon', '联名券', 'parking', 'fund', '2025-12-01',
             '9999-12-31', 10000, 6000, 6000, 4000, 0, 0, 'v1'),
            ('2026-01-01', 'mall', 'coupon', '联名券', 'parking', 'fund', '2025-12-01',
             '9999-12-31', 10000, 4001, 10001, 0, 1, 1, 'v1'),
            ('2026-01-01', 'mall', 'gift', '礼券', 'hotel', 'mall', '2026-01-01',
             '2026-02-01', 500, 0, 0, 500, 0, 0, 'v2')""",
    )
    export(settings, BUSINESS_DATE)
    shown = {}
    for party in ("parking", "fund", "mall", "hotel"):
        rows, _ = table_of(workbook_of(settings, party)["汇总"], "programme_name", last=True)
        shown[party] = [list(row.values()) for row in rows]
    begin, end = datetime(2025, 12, 1), datetime(2026, 1, 31)
    coupon = ["联名券", "停车场", "集团积分基金", begin, None, 100, 40.01, 100.01, 0, 0.01, 0.01]
    gift = ["礼券", "酒店", "购物中心", datetime(2026, 1, 1), end, 5, 0, 0, 5, 0, 0]
    assert shown == {"parking": [coupon], "fund": [coupon], "mall": [coupon, gift], "hotel": [gift]}
    plain = [row[0] for row in workbook_of(settings, "parking")["汇总"].iter_rows(values_only=True)]
    assert "活动预算" in plain


def test_a_statement_without_a_budget_has_no_table_of_budgets(exported: Settings) -> None:
    rows = workbook_of(exported, "mall")["汇总"].iter_rows(values_only=True)
    assert "活动预算" not in [row[0] for row in rows]


def test_the_liability_is_shown_in_yuan_by_redeemer_and_beside_the_ledger(
    exported: Settings,
) -> None:
    sheet = workbook_of(exported, "mall")["积分负债"]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    [fen] = [row for row in rows if row[0] == "合计" and 44.00 in row]
    assert fen[3:14] == [0, 80.00, 0, 36.00, 0, 0, 0, 0, 0, 0, 44.00]
    taken, total = table_of(sheet, "issuer_name", last=True)
    assert [(row["month"], row["parking"], row["redeemed_points"]) for row in taken] == [
        (datetime(2025, 12, 1), 4500, 4500)
    ]
    assert (total["hotel"], total["parking"], total["redeemed_points"]) == (0, 4500, 4500)
    top = next(index for index, row in enumerate(rows) if row[0] == "movement_name")
    assert [row[:5] for row in rows[top + 1 : top + 4]] == [
        ["＋发放", "issued_points", 10000, 10000, 0],
        ["＋退还恢复", "restored_points", 0, 0, 0],
        ["－核销", "redeemed_points", 4500, 4500, 0],
    ]
    assert any(str(row[0]).startswith("负余额（会员透支）：30 积分") for row in rows)


def test_the_matrix_says_whose_points_were_taken_where(exported: Settings) -> None:
    sheet = workbook_of(exported, "hotel")["往来对照"]
    rows, total = table_of(sheet, "issuer / redeemer")
    assert {row["issuer / redeemer"]: row["parking"] for row in rows} == {
        "酒店": 1500,
        "购物中心": 4500,
        "停车场": 0,
    }
    assert (total["total"], total["net"]) == (6000, 0)
    rows, total = table_of(sheet, "issuer / redeemer", last=True)
    taken = {row["issuer / redeemer"]: row["parking"] for row in rows}
    assert taken == {"酒店": 12.00, "购物中心": 36.00, "停车场": 0}
    assert total["total"] == 48.00
    nets = {row["issuer / redeemer"]: row["net"] for row in rows}
    assert nets == {"酒店": -12.00, "购物中心": -36.00, "停车场": 48.00}
    assert total["net"] == 0
    flows, total = table_of(sheet, "party_name")
    assert [(row["party"], row["net_yuan"]) for row in flows] == [("fund", -40.00)]
    assert total["net_yuan"] == -40.00
    rows, total = table_of(sheet, "party_name", last=True)
    assert [row["net_yuan"] for row in rows] == [-40.00, -100.00, 48.00, 92.00]
    assert total["net_yuan"] == 0
    assert total["closing_yuan"] == 0


@pytest.mark.parametrize(("kind", "sees_all"), [("outside", False), ("business", True)])
def test_an_outside_funder_sees_neither_the_group_s_points_nor_other_parties(
    tmp_path: Path, kind: str, sees_all: bool
) -> None:
    settings = publish_small(
        tmp_path,
        "insert into dim_parties (party, party_name, party_kind)"
        f" values ('bank', '示例银行', '{kind}')",
    )
    export(settings, BUSINESS_DATE)
    [path] = folder_of(settings, "bank").glob("*.xlsx")
    workbook = openpyxl.load_workbook(path)
    liability = [row[0] for row in workbook["积分负债"].iter_rows(values_only=True)]
    assert "本主体不发行积分" in liability
    assert "issuer_name" not in liability
    matrix = [row[0] for row in workbook["往来对照"].iter_rows(values_only=True)]
    assert ("购物中心" in matrix) == sees_all


def test_the_cover_names_version_rules_code_and_people(published: Settings) -> None:
    close_small(published)
    write_pack(published, "2026-01")
    cover = cover_of(workbook_of(published, "mall", "已关账"))
    assert (cover["statement_version"], cover["supersedes_no"]) == ("v1", "—")
    assert (cover["rules_version"], cover["code_version"]) == ("0f" * 6, "c0" * 6)
    assert [cover[f"{name}_by"] for name in ("prepared", "reviewed", "confirmed")] == [
        "陈静　2026-01-15",
        "王芳　2026-01-15",
        "李强　2026-01-15",
    ]
    (detail,) = [
        entry for entry in manifest_of(published, "mall")["files"] if "明细" in entry["name"]
    ]
    assert cover["detail_sha256"] == detail["sha256"]


WAITING = """
    insert into fct_settlement_exceptions (exception_id, reason, detail, business, business_date,
        is_open, document_no, case_count, points, amount_fen, source_file, source_row) values
        ('1', 'quarantined_rows', 'pos/sales', 'mall', '2026-01-15', false, null, 2, null, 12345,
            '=1+1.csv', null),
        ('2', 'unmatched_refund', null, 'mall', '2026-01-10', false, 'R9', 1, null, 5000,
            'sales.csv', 3),
        ('3', 'unmatched_refund', null, 'mall', '2025-12-31', false, 'R8', 1, null, 6000,
            'sales.csv', 2),
        ('4', 'missing_delivery', 'pms', 'hotel', '2026-01-15', false, null, 1, null, null,
            null, null),
        ('5', 'shortfall', null, 'hotel', '2026-01-14', false, null, 1, 70, null, null, null)
"""


def test_what_waits_for_somebody_is_listed_at_its_business_and_all_of_it_at_the_fund(
    tmp_path: Path,
) -> None:
    """But for the refund of the month before."""
    settings = publish_small(tmp_path, WAITING)
    export(settings, BUSINESS_DATE)
    found, total = table_of(workbook_of(settings, "mall")["差异与悬账"], "exception_name")
    assert [
        (row["exception_name"], row["age_days"], row["amount_yuan"], row["case_count"], row["note"])
        for row in found
    ] == [
        ("未入库行", 0, 123.45, 2, "=1+1.csv：2 行未入库"),
        ("退款无原单", 5, 50.00, 1, "单据 R9，sales.csv 第 3 行"),
    ]
    assert total["amount_yuan"] == 173.45
    assert [(row["owner_name"], row["state_name"]) for row in found] == [
        ("数据团队：更正或放行", "本期发现"),
        ("业态运营：补原单", "本期发现"),
    ]
    of_hotel, _ = table_of(workbook_of(settings, "hotel")["差异与悬账"], "exception_name")
    assert [row["note"] for row in of_hotel] == ["pms 2026-01-15 未到", "70 积分"]
    of_fund, _ = table_of(workbook_of(settings, "fund")["差异与悬账"], "exception_name")
    assert sorted(row["exception_name"] for row in of_fund) == [
        *("数据未到", "未入库行", "积分扣回差额", "退款无原单"),
    ]


@pytest.mark.parametrize(
    ("party", "seen"),
    [
        ("fund", "abcd"),
        ("mall", "abc"),
        ("hotel", "d"),
        ("mall/S1", "a"),
        ("mall/S2", "b"),
        ("suspense/mall", "b"),
    ],
)
def test_an_exception_is_seen_by_its_business_its_merchant_its_suspense_account_and_the_fund(
    party: str, seen: str
) -> None:
    rows = [
        {"exception_id": "a", "reason": "not_in_bill", "business": "mall", "merchant_id": "S1"},
        {"exception_id": "b", "reason": "suspense", "business": "mall", "merchant_id": "S2"},
        {"exception_id": "c", "reason": "quarantined_rows", "business": "mall"},
        {"exception_id": "d", "reason": "missing_delivery", "business": "hotel", "detail": "pms"},
    ]
    nothing: dict[str, Any] = dict.fromkeys(field.name for field in fields(Month))
    whole = tuple({"merchant_id": None, "detail": None, **row} for row in rows)
    month = Month(**{**nothing, "exceptions": whole})
    assert "".join(row["exception_id"] for row in month.exceptions_of(party)) == seen
    assert month.missing_sources == ("pms",)


def test_what_is_open_is_listed_however_old_it_is(tmp_path: Path) -> None:
    settings = publish_small(
        tmp_path,
        "insert into fct_settlement_exceptions (exception_id, reason, detail, business,"
        " business_date, is_open, document_no, case_count, amount_fen, payment_no, till_fen,"
        " bill_fen) values"
        " ('1', 'suspense', 'no_contract', 'hotel', '2025-12-16', true, 'R7', 1, 5000, null, null,"
        " null), ('2', 'amount_differs', null, 'hotel', '2025-12-15', true, 'R6', 1, 100, 'P6',"
        " 10100, 10000), ('3', 'split_failed', null, 'hotel', '2025-12-14', true, null, 1, 9140,"
        " 'P5', null, 0)",
        "; update fct_settlement_exceptions set instructed_fen = 9140, merchant_id = 'S0012'"
        " where exception_id = '3'",
    )
    export(settings, BUSINESS_DATE)
    found, _ = table_of(workbook_of(settings, "hotel")["差异与悬账"], "exception_name")
    assert [
        (row["exception_name"], row["amount_yuan"], row["age_days"], row["note"]) for row in found
    ] == [
        (
            *("分账未成功", 91.40, 32),
            "支付 P5，接收方 S0012，分账指令 91.40 元，分账账单 0.00 元",
        ),
        ("待清分", 50, 30, "单据 R7，无合同"),
        ("金额不符", 1, 31, "支付 P6，收银 101.00 元，账单 100.00 元"),
    ]


def test_a_late_line_is_an_adjustment_with_its_month(exported: Settings) -> None:
    [row], total = table_of(workbook_of(exported, "mall")["调整"], "origin_month")
    assert (row["origin_month"], row["line_id"], row["net_fen"]) == (
        datetime(2025, 12, 1),
        "l1",
        -10000,
    )
    assert (row["settled_name"], row["corrects_name"]) == ("本期调整", "迟到的业务")
    assert total["net_fen"] == -10000


def test_the_summary_has_the_month_as_a_chart_of_what_is_owed_by_movement(
    exported: Settings,
) -> None:
    [chart] = workbook_of(exported, "fund")["汇总"]._charts
    assert [series.val.numRef.f for series in chart.series] == ["汇总!$F$6:$F$7", "汇总!$G$6:$G$7"]


def test_the_cover_ticks_its_boxes_and_names_both_parties(exported: Settings) -> None:
    workbook = workbook_of(exported, "mall")
    texts = [
        cell.value for row in workbook["封面"].iter_rows() for cell in row if cell.value is not None
    ]
    assert "✓ 汇总 = 明细 = 余额" in texts
    assert "✓ 全体合计 = 0" in texts
    cover = cover_of(workbook)
    assert cover["settlement_entity"] == "示例商业管理有限公司"
    assert cover["unified_social_credit_code"] == "91310000MA1K000A0X"
    assert cover["fund"] == "集团积分基金"
    assert cover["version"] == VERSION
    assert cover["rule_count"] == 1
    assert "r1" in texts


def test_a_draft_says_that_it_is_one_and_which_source_is_missing(exported: Settings) -> None:
    cover = cover_of(workbook_of(exported, "mall"))
    assert cover["status"] == "草稿"
    assert cover["statement_no"] == "CG-2026-01-MALL-20260115"
    assert cover["to_date"] == datetime(2026, 1, 15)
    assert cover["is_provisional"] == "是（未关账）"
    assert cover["missing_sources"] == "pms"


def test_a_closed_statement_cites_its_close(published: Settings) -> None:
    close_small(published)
    write_pack(published, "2026-01")
    cover = cover_of(workbook_of(published, "mall", "已关账"))
    assert cover["status"] == "已关账"
    assert cover["statement_no"] == "JS-2026-01-MALL-001-v1"
    assert cover["to_date"] == datetime(2026, 1, 31)
    assert cover["is_provisional"] == "否"
    assert manifest_of(published, "mall")["status"] == "已关账"


def test_a_closed_statement_takes_the_place_of_its_draft(published: Settings) -> None:
    export(published, BUSINESS_DATE)
    close_small(published)
    write_pack(published, "2026-01")
    assert sorted(path.name for path in folder_of(published, "mall").iterdir()) == [
        "manifest.json",
        "manifest.json.sig",
        "signing_key.pem",
        "封面_购物中心_2026-01_已关账.pdf",
        "往来_购物中心_2026-01_已关账.csv",
        "明细_购物中心_2026-01_已关账.csv",
        "结算单_购物中心_2026-01_已关账.xlsx",
    ]


def test_a_closed_statement_has_its_cover_as_pdf_and_no_two_are_alike(published: Settings) -> None:
    close_small(published)
    folders = write_pack(published, "2026-01")
    covers = [next(folder.glob("封面_*.pdf")).read_bytes() for folder in folders]
    assert all(cover.startswith(b"%PDF-") for cover in covers)
    assert len(set(covers)) == len(folders) > 2


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("yuan", -1234567, "-12,345.67"),
        ("micro_fen", -400000, "-400,000"),  # as its label and the sheet say: micro-fen
        ("count", 1200, "1,200"),
        ("text", "mall", "mall"),
        ("text", None, "—"),
    ],
)
def test_the_pdf_says_what_the_sheet_says(kind: str, value: object, text: str) -> None:
    assert as_text(("名称", "name", kind, value)) == {"label": "名称", "text": text}


def test_a_draft_never_takes_the_place_of_a_closed_statement(published: Settings) -> None:
    close_small(published)
    write_pack(published, "2026-01")
    before = files_in(published.lake / "outbox" / "statements")
    export(published, BUSINESS_DATE)
    assert files_in(published.lake / "outbox" / "statements") == before


def test_a_closed_statement_stays_the_same_when_a_name_changes_later(published: Settings) -> None:
    close_small(published)
    write_pack(published, "2026-01")
    before = files_in(published.lake / "outbox")
    change(published, "update dim_parties set legal_entity_name = '新名称有限公司'")
    write_pack(published, "2026-01")
    assert files_in(published.lake / "outbox") == before


@pytest.mark.parametrize("kind", ["xlsx", "pdf", "csv"])
def test_a_damaged_closed_statement_is_written_again_with_the_same_bytes(
    published: Settings, kind: str
) -> None:
    close_small(published)
    write_pack(published, "2026-01")
    before = files_in(published.lake / "outbox")
    next(folder_of(published, "mall").glob(f"*.{kind}")).write_bytes(b"torn")
    write_pack(published, "2026-01")
    assert files_in(published.lake / "outbox") == before


def test_the_same_publication_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = publish_small(tmp_path / "one"), publish_small(tmp_path / "two")
    export(first, BUSINESS_DATE)
    export(second, BUSINESS_DATE)
    assert files_in(first.lake / "outbox") == files_in(second.lake / "outbox")


def test_exporting_a_night_again_changes_nothing(published: Settings) -> None:
    export(published, BUSINESS_DATE)
    before = files_in(published.lake / "outbox")
    export(published, BUSINESS_DATE)
    assert files_in(published.lake / "outbox") == before


def test_the_manifest_lists_every_file_with_its_hash(exported: Settings) -> None:
    folder, manifest = folder_of(exported, "parking"), manifest_of(exported, "parking")
    listed = {entry["name"]: entry for entry in manifest["files"]}
    found = {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert listed.keys() == found
    for name, entry in listed.items():
        content = (folder / name).read_bytes()
        assert entry["sha256"] == sha256(content).hexdigest()
        assert entry["bytes"] == len(content)
        assert entry["rows"] == (1 if name.startswith("往来_") else 2)
        assert entry["sum_fen"] == 4800


def test_a_folder_without_its_last_file_has_no_manifest(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(published, BUSINESS_DATE)

    def stop(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ExportFolder, "add_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        export(published, BUSINESS_DATE)
    assert not (folder_of(published, "fund") / "manifest.json").exists()


def test_a_night_after_a_killed_one_leaves_no_remains(published: Settings) -> None:
    folder = folder_of(published, "mall")
    folder.mkdir(parents=True)
    (folder / ".结算单.xlsx.1.tmp").write_bytes(b"half")
    export(published, BUSINESS_DATE)
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize(("limit", "shown"), [(4, 4), (3, 0)])
def test_more_lines_than_a_sheet_takes_are_in_the_csv_only(
    published: Settings, monkeypatch: pytest.MonkeyPatch, limit: int, shown: int
) -> None:
    catalogue = read_catalogue()
    small = replace(catalogue, statement=replace(catalogue.statement, draft_sheet_lines=limit))
    monkeypatch.setattr("exports.nightly.read_catalogue", lambda: small)
    export(published, BUSINESS_DATE)
    sheet = workbook_of(published, "fund")["明细"]
    lines, total = table_of(sheet, "line_no")
    assert len(lines) == shown
    assert total["net_fen"] == 9200
    assert len(lines_of(published, "fund")) == 4
    notes = [row[0] for row in sheet.iter_rows(values_only=True) if "上限" in str(row[0])]
    assert len(notes) == (0 if shown else 1)


@pytest.mark.parametrize(("limit", "files"), [(4, 4), (3, 3)])
def test_a_draft_with_too_many_lines_leaves_them_to_the_mart(
    published: Settings, monkeypatch: pytest.MonkeyPatch, limit: int, files: int
) -> None:
    catalogue = read_catalogue()
    terms = replace(catalogue.statement, draft_sheet_lines=1, draft_csv_lines=limit)
    monkeypatch.setattr(
        "exports.nightly.read_catalogue", lambda: replace(catalogue, statement=terms)
    )
    export(published, BUSINESS_DATE)
    assert len(list(folder_of(published, "fund").iterdir())) == files
    detail = cover_of(workbook_of(published, "fund"))["detail_file"]
    assert ("fct_settlement_lines" in detail) == (files == 3)


def test_a_party_without_movement_carries_its_balance_forward(tmp_path: Path) -> None:
    settings = publish_small(
        tmp_path,
        "insert into fct_settlement_balances values"
        " ('2025-12-01', 'property', 0, 700, 0, 0, 700),"
        " ('2025-12-01', 'fund', 0, 0, 700, 0, -700)",
        "insert into fct_counterparty_balances values"
        " ('2025-12-01', 'property', 'fund', 0, 700, 0, 0, 700),"
        " ('2025-12-01', 'fund', 'property', 0, 0, 700, 0, -700)",
        "update fct_settlement_balances set opening_fen = -700, closing_fen = 8500"
        " where party = 'fund' and period_month = '2026-01-01'",
        "insert into dim_parties values ('property', '物业', 'business', '示例物业有限公司', 'X')",
    )
    export(settings, BUSINESS_DATE)
    manifest = manifest_of(settings, "property")
    assert (manifest["opening_fen"], manifest["net_fen"], manifest["closing_fen"]) == (700, 0, 700)
    assert manifest["line_count"] == 0


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "update fct_settlement_statements set payable_fen = 9999 where party = 'mall'",
            "mall for 2026-01, accrual: payable_fen is 9999",
        ),
        (
            "delete from fct_settlement_statements where party = 'mall'",
            "mall for 2026-01, accrual: line_count is None",
        ),
        (
            "update fct_settlement_lines set amount_fen = 3601 where line_id = 'l3'",
            "but 4801 in fct_settlement_lines",
        ),
        (
            "update fct_settlement_balances set closing_fen = 1 where party = 'hotel'",
            "do not give closing 1",
        ),
        (
            "update fct_settlement_balances set opening_fen = 5, closing_fen = closing_fen + 5",
            "hotel opens 2026-01 with 5 fen but closed the month before with 0",
        ),
        (
            "update fct_points_liability set closing_points = 1 where issuer_business = 'mall'",
            "closing_points of mall is 1, but its parts make 5500",
        ),
        (
            """update fct_points_liability_cohorts set closing_points = 1499, issued_points = 5999
            where issue_month = '2025-12-01'""",
            "issued_points of mall is 10000, but its parts make 9999",
        ),
        (
            """update fct_points_liability_cohorts set expired_points = 1
            where issue_month = '2025-12-01'""",
            "closing points of mall of 2025-12 is 1500, but its parts make 1499",
        ),
        (
            """update fct_points_liability_cohorts set revalued_fen = 1
            where issue_month = '2025-12-01'""",
            "closing fen of mall of 2025-12 is 1200, but its parts make 1201",
        ),
        (
            """update fct_points_liability_redeemers set redeemed_points = 4501
            where issuer_business = 'mall'""",
            "points of mall of 2025-12 by redeemer is 4501, but its parts make 4500",
        ),
        (
            "update fct_points_entries set points = 9999 where entry_id = 'e1'",
            "issued_points of mall by its entries is 9999, but its parts make 10000",
        ),
        (
            "update fct_settlement_matrix set points = 4501 where issuer_business = 'mall'",
            "the matrix of issuers and redeemers for 2026-01 makes 6001 points, but the lines",
        ),
        (
            "delete from dim_parties where party = 'fund'",
            "net_fen of all parties for 2026-01 sums to -9200 fen, not 0",
        ),
    ],
)
def test_figures_that_do_not_foot_are_one_problem_and_nothing_is_written(
    tmp_path: Path, fault: str, message: str
) -> None:
    settings = publish_small(tmp_path, fault)
    with pytest.raises(Problem, match="no statement was written") as caught:
        export(settings, BUSINESS_DATE)
    assert message in str(caught.value)
    assert not (tmp_path / "outbox").exists()


def test_a_sheet_that_does_not_sum_to_its_total_is_not_written(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workbook = pack.write_workbook

    def lose_a_line(*about: Any) -> None:
        write_workbook(*about[:-1], about[-1].filter("line_no > 1"))

    monkeypatch.setattr(pack, "write_workbook", lose_a_line)
    with pytest.raises(Problem, match="sheet 明细: column net_ex_tax_fen sums to 5472, not 9472"):
        export(published, BUSINESS_DATE)
    left = [path.suffix for path in folder_of(published, "hotel").iterdir()]
    assert left == [".csv", ".csv"]  # and no manifest, so it is no delivery


def test_a_closed_month_that_was_changed_is_a_problem(published: Settings) -> None:
    close_small(published)
    change(
        published,
        "update fct_settlement_lines set amount_fen = 3601 where line_id = 'l3'",
        "update fct_settlement_matrix set amount_fen = 3601 where issuer_business = 'mall'",
        "update fct_settlement_statements set receivable_fen = 4801, net_fen = 4801"
        " where party = 'parking'",
        "update fct_settlement_statements set payable_fen = 4801, net_fen = -4801"
        " where party = 'fund' and movement_type = 'redemption'",
        "update fct_settlement_balances set receivable_fen = 4801, closing_fen = 4801"
        " where party = 'parking'",
        "update fct_settlement_balances set payable_fen = 4801, closing_fen = 9199"
        " where party = 'fund'",
        "update fct_counterparty_balances set receivable_fen = 4801, closing_fen = 4801"
        " where party = 'parking'",
        "update fct_counterparty_balances set payable_fen = 4801, closing_fen = -4801"
        " where counterparty = 'parking'",
    )
    with pytest.raises(Problem, match=r"closed month 2026-01 of \w+: \w+ was -?\d+ at the close"):
        write_pack(published, "2026-01")
    assert not (published.lake / "outbox").exists()


def test_an_open_month_has_no_pack(published: Settings) -> None:
    with pytest.raises(Problem, match="month 2026-01 is not closed; run python -m exports close"):
        write_pack(published, "2026-01")


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-1", "2026-01-01", "january"])
def test_a_wrong_month_is_one_problem(published: Settings, period: str) -> None:
    with pytest.raises(Problem, match="is not a month; write the period as YYYY-MM"):
        write_pack(published, period)


def test_without_a_publication_there_is_one_clear_problem(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="nothing was published"):
        export(settings_of(tmp_path), BUSINESS_DATE)


def test_a_night_that_is_not_the_published_one_is_not_exported(published: Settings) -> None:
    with pytest.raises(Problem, match="the published version is of 2026-01-15, not 2026-01-16"):
        export(published, date(2026, 1, 16))


def test_a_mart_without_a_column_that_is_read_is_one_problem(tmp_path: Path) -> None:
    settings = publish_small(
        tmp_path, "alter table fct_points_liability_cohorts drop repaid_points"
    )
    with pytest.raises(Problem, match="lacks what the exports read"):
        export(settings, BUSINESS_DATE)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("yuan", 1, "0.01"),
        ("yuan", 0, "0.00"),
        ("yuan", -1, "-0.01"),
        ("yuan", -100, "-1.00"),
        ("yuan", 9007199254740993, "90071992547409.93"),
        ("unit_price", 800000, "0.800000"),
        ("unit_price", 1000000, "1.000000"),
        ("fen", -10000, "-10000"),
        ("flag", True, "是"),
        ("flag", False, "否"),
        ("text", "=1+1", "'=1+1"),
        ("text", "+86", "'+86"),
        ("text", "-1", "'-1"),
        ("text", "@sum", "'@sum"),
        ("text", "\t=1", "'\t=1"),
        ("text", "\r=1", "'\r=1"),
        ("text", "＝1", "'＝1"),
        ("text", "1=1", "1=1"),
        ("text", "A=1", "A=1"),
        ("text", "：1", "：1"),
        ("text", "中文", "中文"),
        ("text", None, ""),
        ("date", date(2024, 2, 29), "2024-02-29"),
        ("month", date(2024, 2, 1), "2024-02"),
    ],
)
def test_a_value_in_csv_is_exact_and_no_formula(
    tmp_path: Path, kind: str, value: Any, written: str
) -> None:
    types = {"text": "varchar", "flag": "boolean", "date": "date", "month": "date"}
    type_name = types.get(kind, "bigint")
    column = ExportColumn("value", "值", kind, 10, is_totalled=False, is_printed=True)
    path = tmp_path / "one.csv"
    with duckdb.connect() as connection:
        connection.execute(f"create table given (value {type_name})")
        connection.execute("insert into given values ($value)", {"value": value})
        assert copy_csv(connection, "select * from given", (column,), "value", path) == 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["值"], [written] if written else []]


def test_a_csv_file_starts_with_the_mark_by_which_excel_knows_utf_8(exported: Settings) -> None:
    path = next(folder_of(exported, "mall").glob("明细_*.csv"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf" + "序号".encode())


def test_a_name_that_no_file_system_takes_is_made_safe() -> None:
    assert file_name('购物/中心:"一期"') == "购物_中心__一期_"
    assert file_name("..") == "_"


def change(settings: Settings, *statements: str) -> None:
    """Change what is published, as no night ever does."""
    path = settings.lake / "published" / VERSION / "marts.duckdb"
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
