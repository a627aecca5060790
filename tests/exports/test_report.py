"""The run report: one night's figures, the same in HTML and text, in a file that needs no other."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from exports.catalogue import read_catalogue
from exports.published import open_current
from exports.report import write_report
from exports.report.figures import Chart
from exports.report.html_page import html_chart
from exports.report.plain_text import pad, show
from ingest.core.lake import Lake
from ingest.core.settings import Settings
from tests.exports.small_publication import BUSINESS_DATE, VERSION, publish_small


class Reader(HTMLParser):
    """Cells by section title, cards by label, and every address the page names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sections: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self._title = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "rect"):
            self.open.append(tag)
        if tag == "tr":
            self.sections[self._title].append([])
        if tag in ("td", "th"):
            self.sections[self._title][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["h2"]:
            self._title = data
            self.sections[data] = []
        elif {"td", "th"} & set(self.open):
            self.sections[self._title][-1][-1] += data


def text_of(settings: Settings, name: str) -> str:
    folder = settings.lake / "outbox" / "report" / BUSINESS_DATE.isoformat()
    return (folder / name).read_text(encoding="utf-8")


def published_report(tmp_path: Path, *changes: str) -> tuple[str, str]:
    settings = publish_small(tmp_path, *changes)
    with open_current(settings) as (publication, connection):
        write_report(Lake(settings.lake), publication, connection, read_catalogue())
    return text_of(settings, "run_report.html"), text_of(settings, "run_report.txt")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return published_report(tmp_path_factory.mktemp("report"))


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(report: tuple[str, str]) -> None:
    page = Reader(report[0])
    assert page.open == []
    assert page.tags & {"script", "link", "img", "iframe"} == set()
    outside = [address for address in page.addresses if not address.startswith("../../../")]
    assert outside == ["data_docs/batches/index.html", "data_docs/marts/index.html"]
    assert re.search(r"https?:|url\(|@import", report[0]) is None


def test_inputs_are_counted_per_file_with_what_was_refused(report: tuple[str, str]) -> None:
    rows = Reader(report[0]).sections["输入文件"]
    assert rows[1:] == [
        ["gate", "payments", "pay.csv", "已收", "5", "5", "0", "0", "0", "5", "", "✓"],
        ["pos", "sales", "=1+1.csv", "已收", "100", "96", "1", "1", "2", "100", "1,234.56", "✓"],
        ["合计", "", "", "", "105", "101", "1", "1", "2", "105", "", "✓"],
    ]


def test_only_what_was_posted_tonight_counts(report: tuple[str, str]) -> None:
    # The mall's 10 000 points and M2's downgrade were posted on earlier nights.
    sections = Reader(report[0]).sections
    assert sections["积分（今夜入账）"][1:] == [
        ["发放", "1", "0", "4,000", "1"],
        ["核销", "2", "0", "6,000", "2"],
    ]
    assert sections["等级变动（今夜入账）"][1:] == [["升级", "普卡 → 金卡 1", "1"]]
    assert sections["会员归并（今夜）"][1:] == [["新增", "1", "1"]]


def test_identities_are_counted_beside_the_largest_member_of_the_night_before(
    report: tuple[str, str],
) -> None:
    rows = Reader(report[0]).sections["身份识别"]
    assert rows[1:] == [["abcdef012345", "1,204", "802", "3", "5", "1", "9", "8"]]
    assert '<span class="alarm">1</span>' in report[0]
    assert "待审：超出单人上限 2，姓名不符 1。" in report[0]
    assert "待审：超出单人上限 2，姓名不符 1。" in report[1]
    assert "不同姓名多于 3 个，每百万会员至多 110 名；" in report[1]
    assert "账号多于 10 个时，至多为上次的 2 倍；" in report[1]


def test_a_first_night_with_nothing_to_review_says_neither(tmp_path: Path) -> None:
    page, text = published_report(
        tmp_path,
        "update fct_identity_quality set previous_largest_member_account_count = null",
        "delete from fct_identity_reviews",
    )
    assert Reader(page).sections["身份识别"][1][7] == ""
    assert "待审：" not in page + text


def test_an_evaluation_is_shown_only_where_accounts_were_labelled(
    report: tuple[str, str], tmp_path: Path
) -> None:
    assert "身份识别评估" not in report[0] + report[1]
    page, text = published_report(
        tmp_path,
        "insert into fct_identity_evaluation values"
        " ('pairs: precision', '0.9948'), ('accounts', '1,204'), ('something new', '7')",
    )
    shown = [["账号", "1,204"], ["成对精确率", "0.9948"], ["something new", "7"]]
    assert Reader(page).sections["身份识别评估（按已标注账号）"][1:] == shown
    assert re.search(r"成对精确率 +0\.9948\n", text)


@pytest.mark.parametrize(
    ("status", "shown", "wrong"),
    [("agreed", "相符", 0), ("awaited", "未到", 0), ("differs", "不符", 1)],
)
def test_a_migration_shows_its_proof_and_asks_for_attention_if_it_differs(
    report: tuple[str, str], tmp_path: Path, status: str, shown: str, wrong: int
) -> None:
    assert "会员系统迁移" not in report[0] + report[1]
    page, text = published_report(
        tmp_path,
        "insert into fct_migrations (business, cut_over_date, status, signed_points, opened_points,"
        " excepted_points, difference_points, excepted_line_count, unknown_tier_line_count)"
        f" values ('hotel', '2025-12-31', '{status}', 2780, 1800, 980, 0, 4, 1)",
    )
    proof = ["hotel", "2025-12-31", "2,780", "1,800", "980", "0", "5", shown]
    assert Reader(page).sections["会员系统迁移（旧系统余额 = 期初入账 + 例外）"][1:] == [proof]
    assert bool(re.search(r"! 不符的迁移 +1\n", text)) is bool(wrong)


def test_a_reversal_counts_against_what_it_reverses(tmp_path: Path) -> None:
    page, _ = published_report(
        tmp_path,
        "insert into fct_points_entries"
        " (entry_id, posted_date, entry_type, points, is_reversal, member_id, issuer_business)"
        " values ('e5', '2026-01-15', 'accrual', 1500, true, 'M2', 'hotel')",
    )
    assert Reader(page).sections["积分（今夜入账）"][1] == ["发放", "2", "1", "2,500", "1"]


def test_settlement_by_party_sums_to_zero(report: tuple[str, str]) -> None:
    sections = Reader(report[0]).sections
    assert sections["结算（今夜入账）"][1:] == [
        ["酒店", "1", "0.00", "40.00", "-40.00"],
        ["购物中心", "0", "0.00", "0.00", "0.00"],
        ["停车场", "2", "48.00", "0.00", "48.00"],
        ["集团积分基金", "3", "40.00", "48.00", "-8.00"],
        ["合计 Σ", "6", "88.00", "88.00", "0.00"],
    ]
    assert sections["结算（2026-01 月累计）"][-1] == [
        *("合计 Σ", "0.00", "188.00", "188.00", "0.00", "0.00")
    ]


def test_the_members_that_moved_most_come_first(report: tuple[str, str]) -> None:
    rows = Reader(report[0]).sections["变动最大的会员（前 10 名）"]
    assert rows[1:] == [
        ["M2", "普卡", "4,000", "1,500", "0", "0", "2,500"],
        ["M1", "金卡", "0", "4,500", "0", "0", "5,500"],
    ]


def test_the_report_says_where_everything_is(report: tuple[str, str]) -> None:
    places = [row[1] for row in Reader(report[0]).sections["去哪里找"][1:]]
    assert f"published/{VERSION}/marts.duckdb" in places
    assert "outbox/statements/2026-01/" in places


def test_the_data_docs_lie_beside_the_report_and_in_its_manifest(tmp_path: Path) -> None:
    settings = publish_small(tmp_path)
    folder = settings.lake / "outbox" / "report" / BUSINESS_DATE.isoformat()
    left_over = folder / "data_docs" / "gone" / "old.html"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("old", encoding="utf-8")
    for _ in range(2):
        with open_current(settings) as (publication, connection):
            write_report(Lake(settings.lake), publication, connection, read_catalogue())
    lying = {
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    } - {"manifest.json"}
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert {entry["name"] for entry in manifest["files"]} == lying
    for address in Reader(text_of(settings, "run_report.html")).addresses:
        if not address.startswith("../"):
            assert (folder / address).read_text(encoding="utf-8").startswith("<p>")
    assert "data_docs/batches/pos__sales.html" in lying
    assert not left_over.parent.exists()


def test_a_publication_without_data_docs_has_a_report_all_the_same(tmp_path: Path) -> None:
    settings = publish_small(tmp_path)
    shutil.rmtree(settings.lake / "published" / VERSION / "data_docs")
    with open_current(settings) as (publication, connection):
        write_report(Lake(settings.lake), publication, connection, read_catalogue())
    assert "■ 数据检验文档\n  （无）\n" in text_of(settings, "run_report.txt")


def test_what_was_missed_at_the_gate_is_listed_and_what_was_not_judged(
    report: tuple[str, str],
) -> None:
    assert Reader(report[0]).sections["批次检验未通过"][1:] == [
        ["gate", "payments", "bills agree", "未检验", "", "not judged"],
        ["pos", "sales", "no gifts", "提示", "1,200", "found 1200"],
    ]


def test_text_and_page_say_the_same(report: tuple[str, str]) -> None:
    page, text = Reader(report[0]), report[1]
    for title, rows in page.sections.items():
        assert title in text or title == "今夜各业态积分"
        for cells in rows:
            assert all(cell in text for cell in cells), cells


def test_columns_of_the_text_line_up_under_chinese_labels() -> None:
    assert pad("结算", 6) == "结算  "
    assert pad("12", 6, "count") == "    12"
    assert pad("结算", 2) == "结算"


def deliveries(*rows: int) -> str:
    """Files of the till with so many rows, the last one on the night before, one a night."""
    last = BUSINESS_DATE.day - 1
    days = range(last - len(rows) + 1, last + 1)
    values = ", ".join(
        f"('2026-01-{day:02}', 'pos', 'sales', 'f{day}.csv', 'accepted', {count})"
        for day, count in zip(days, rows, strict=True)
    )
    return (
        "insert into fct_load_reconciliation"
        f" (load_date, source, table_name, source_file, status, row_count) values {values}"
    )


@pytest.mark.parametrize(
    ("before", "usual", "is_usual"),
    [
        ((34, 34, 34), 34, True),  # tonight's 100 are less than three times as many
        ((33, 33, 33), 33, False),
        ((300, 300, 300), 300, True),
        ((301, 301, 301), 301, False),
        ((1, 1, 1, 1, 300, 300, 300, 300), 300, True),  # the eighth night back does not count
        ((81, 81, 0), 81, True),
    ],
)
def test_tonights_rows_stand_beside_the_median_of_the_seven_nights_before(
    tmp_path: Path, before: tuple[int, ...], usual: int, is_usual: bool
) -> None:
    page, _ = published_report(tmp_path, deliveries(*before))
    [row] = [row for row in Reader(page).sections["与近 7 夜相比"] if row[0] == "输入行数 pos"]
    assert row[:3] == ["输入行数 pos", "100", str(usual)]
    assert (row[3] == "✓") == is_usual


def test_little_is_no_news_and_two_nights_are_too_few(tmp_path: Path) -> None:
    page, _ = published_report(tmp_path / "few", deliveries(5, 5))
    assert "与近 7 夜相比" not in page
    page, _ = published_report(tmp_path / "little", deliveries(5, 5, 5))
    rows = {row[0]: row[1:] for row in Reader(page).sections["与近 7 夜相比"]}
    assert rows["输入行数 gate"] == ["5", "0", "✓"]
    assert rows["积分分录 redemption"] == ["2", "0", "✓"]


def test_a_source_that_did_not_come_asks_for_attention(report: tuple[str, str]) -> None:
    assert "需要处理" in report[0]
    assert re.search(r"! 未到来源 +1\n", report[1])


def test_a_night_with_nothing_wrong_says_so(tmp_path: Path) -> None:
    page, text = published_report(
        tmp_path, "update fct_source_freshness set gap_count = 0, is_provisional = false"
    )
    assert "需要处理" not in page
    assert "正常" in page
    assert "!" not in text


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ("update fct_invariants set violation_count = 1 where invariant = 'I3'", "违反的不变量 +1"),
        ("update fct_load_reconciliation set is_balanced = false", "未平文件 +2"),
    ],
)
def test_a_broken_proof_asks_for_attention(tmp_path: Path, fault: str, line: str) -> None:
    _, text = published_report(
        tmp_path, "update fct_source_freshness set gap_count = 0, is_provisional = false", fault
    )
    assert re.search(f"! {line}\n", text)
    assert "✗" in text


def test_text_from_a_file_cannot_become_markup(tmp_path: Path) -> None:
    page, _ = published_report(
        tmp_path, "update fct_load_reconciliation set source_file = '<script>alert(1)</script>'"
    )
    assert "script" not in Reader(page).tags
    assert Reader(page).sections["输入文件"][1][2] == "<script>alert(1)</script>"


def test_a_night_without_anything_posted_still_has_a_report(tmp_path: Path) -> None:
    page, text = published_report(
        tmp_path,
        "delete from fct_points_entries",
        "delete from fct_tier_changes",
        "delete from fct_load_reconciliation",
    )
    assert "（无）" in page
    assert "■ 积分（今夜入账）\n  （无）\n" in text


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("yuan", -1, "-0.01"),
        ("yuan", 123456, "1,234.56"),
        ("count", 1000, "1,000"),
        ("tick", True, "✓"),
        ("tick", False, "✗"),
        ("text", None, ""),
        ("date", BUSINESS_DATE, "2026-01-15"),
    ],
)
def test_a_value_is_shown_as_people_write_it(kind: str, value: object, shown: str) -> None:
    assert show(kind, value) == shown


def test_bars_of_negative_values_go_to_the_left_of_the_common_line() -> None:
    # 860 pixels for -1 … 3: the line is 215 behind the labels, at 110 + 215.
    page = html_chart(Chart("c", ("before", "after"), (("hotel", (-1, 3)),), has_zeros=True))
    bars = re.findall(r'<rect x="(\d+)" y="\d+" width="(\d+)"', page)
    assert bars == [("110", "215"), ("325", "645")]


@pytest.mark.parametrize(("has_zeros", "count"), [(False, 1), (True, 2)])
def test_a_value_of_zero_has_a_bar_only_where_pairs_are_compared(
    has_zeros: bool, count: int
) -> None:
    chart = Chart("c", ("before", "after"), (("hotel", (0, 3)),), has_zeros=has_zeros)
    assert html_chart(chart).count("<rect") == count


def test_a_change_shows_its_sign() -> None:
    assert [show("change", value) for value in (5, 0, -1200)] == ["+5", "0", "-1,200"]
    assert [show("yuan_change", value) for value in (5, 0, -120)] == ["+0.05", "0.00", "-1.20"]
