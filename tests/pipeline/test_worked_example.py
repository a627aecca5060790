"""The worked example's numbers, by hand.

30 Oct  R1 (31 Oct 2025) ¥1,000.00 -> 1,000 points, usable through 31 Oct 2026.
        R2 ¥4,200.00 -> 4,200 points. Growth 1,000 + 4,200 = 5,200 >= 5,000 within
        31 Oct 2025 .. 30 Oct 2026: silver from 31 Oct.
        P1 ¥2,000.00 x 50 % -> 1,000 points. R3 has no member.
31 Oct  Folio F1: 600 points spent first, from R1 (400 left); then ¥1,000.00 x 150 % x 120 %
        -> 1,800 points. R1's last day: 400 expire.
        R4 refunds ¥200.00 of R2: 4,200 - 4,000 = 200 points back; the upgrade's growth is 5,000
        and still holds. PS1 ended 00:30, so 30 Oct: 300 points spent from P1, ¥8.00 -> 8 points.
1 Nov   R5 refunds ¥1,000.00 more of R2: 1,000 points back. The upgrade's growth is 4,000:
        reversed from 2 Nov. Today's own window starts 2 Nov 2025: 4,200 - 200 - 1,000 + 1,000
        = 4,000, not enough either.
"""

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from tests.pipeline.nights import must_run


def rows(lake: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(
        lake / "published" / "current" / "marts.duckdb", read_only=True
    ) as connection:
        return connection.execute(sql).fetchall()


def test_two_people_with_two_accounts_each_are_two_members(worked_lake: Path) -> None:
    accounts = rows(worked_lake, "select member_id, account_id from dim_member_accounts")
    by_account = {account: member for member, account in accounts}
    assert by_account["10000001"] == by_account["G1"]
    assert by_account["KH1"] == by_account["V1"]
    assert len(set(by_account.values())) == 2


def test_every_points_entry_is_the_one_computed_by_hand(worked_lake: Path) -> None:
    entries = rows(
        worked_lake,
        """
        select posted_date::varchar, business_date::varchar, entry_type, points,
            issuer_business, redeemer_business
        from fct_points_entries order by all
        """,
    )
    assert entries == [
        ("2026-10-30", "2025-10-31", "accrual", 1000, "mall", None),
        ("2026-10-30", "2026-10-30", "accrual", 1000, "property", None),
        ("2026-10-30", "2026-10-30", "accrual", 4200, "mall", None),
        ("2026-10-31", "2026-10-30", "accrual", 8, "parking", None),
        ("2026-10-31", "2026-10-30", "redemption", 300, "property", "parking"),
        ("2026-10-31", "2026-10-31", "accrual", 1800, "hotel", None),
        ("2026-10-31", "2026-10-31", "claw_back", 200, "mall", None),
        ("2026-10-31", "2026-10-31", "expiry", 400, "mall", None),
        ("2026-10-31", "2026-10-31", "redemption", 600, "mall", "hotel"),
        ("2026-11-01", "2026-11-01", "claw_back", 1000, "mall", None),
    ]


def test_balances_are_the_lots_that_are_left(worked_lake: Path) -> None:
    balances = rows(
        worked_lake,
        """
        select account_id, issued_points, redeemed_points, expired_points, clawed_back_points,
            balance_points
        from fct_points_balances inner join dim_member_accounts using (member_id)
        where account_id in ('G1', 'V1') order by 1
        """,
    )
    assert balances == [("G1", 7000, 600, 400, 1200, 4800), ("V1", 1008, 300, 0, 0, 708)]


def test_every_activity_has_one_outcome_with_its_reason(worked_lake: Path) -> None:
    outcomes = rows(
        worked_lake,
        """
        select outcome, count(*), sum(points)::bigint from fct_rating_outcomes group by 1 order by 1
        """,
    )
    assert outcomes == [
        ("anonymous", 1, 0),
        ("awarded", 5, 8008),
        ("clawed_back", 2, 1200),
        ("redeemed", 2, 900),
    ]


@pytest.mark.parametrize("document", ["mall:R2", "mall:R4", "hotel:F1", "mall:R3"])
def test_what_explain_prints_is_what_analysts_read_in_the_views(
    worked_lake: Path, document: str
) -> None:
    said = must_run(worked_lake, "exports", "explain", "activity", document)
    (activity,) = re.findall(r"活动 activity (\w+)", said)
    outcomes = rows(
        worked_lake,
        f"select rule, explanation from explained_outcomes where activity_id = '{activity}'",
    )
    entries = rows(
        worked_lake,
        f"select explanation, points from explained_entries where activity_id = '{activity}'",
    )
    assert outcomes
    for rule, explanation in outcomes:
        assert f"  {rule}: {explanation}\n" in said
    for explanation, points in entries:
        assert f"{explanation} {points:,}  " in said


def test_a_member_is_told_what_is_held_what_waits_and_what_is_missing(worked_lake: Path) -> None:
    said = must_run(worked_lake, "exports", "explain", "member", "pos:10000001")
    assert "等级 tier 普卡 (basic), 自 since 2026-11-02\n" in said
    missing = "成长值 4,000 / 5,000, 还差 missing 1,000\n"
    assert f"    升级 to reach 银卡: 方式 way 1-1 (需 needs 1) {missing}" in said
    assert "积分余额 balance 4,800 = 累计发放 issued 7,000 - 使用 redeemed 600" in said
    assert "待生效 pending 0, 不在余额内 apart\n" in said
    assert "批次 lots: 3, 剩余 with points left 2\n" in said


def test_a_program_is_told_the_same_of_a_member_in_rows(worked_lake: Path) -> None:
    asked = ("exports", "explain", "member", "pos:10000001", "--json")
    told = json.loads(must_run(worked_lake, *asked))
    assert told["tier"]["tier"] == "basic"
    assert (told["balance"]["balance_points"], told["balance"]["issued_points"]) == (4800, 7000)
    assert sum(lot["remaining_points"] for lot in told["lots"]) == 4800
    assert len(told["lots"]) == 3
    (growth,) = told["tier_progress"]
    assert (growth["metric_value"], growth["missing_value"]) == (4000, 1000)
    on_the_last_night = ["--on", told["night"], "--known", told["night"], "--json"]
    asked = ("exports", "explain", "balance", told["member_id"], *on_the_last_night)
    balance = json.loads(must_run(worked_lake, *asked))
    assert balance["balance"]["balance_points"] == 4800
    assert balance["balance_known_today"] == balance["balance"]
    assert balance["differences"] == []


def test_a_program_is_told_the_same_of_an_activity_in_rows(worked_lake: Path) -> None:
    asked = ("exports", "explain", "activity", "mall:R2", "--json")
    told = json.loads(must_run(worked_lake, *asked))
    assert told["activity"]["document_no"] == "R2"
    said = must_run(worked_lake, "exports", "explain", "activity", "mall:R2")
    for outcome in told["outcomes"]:
        assert f"  {outcome['rule']}: {outcome['explanation']}\n" in said
    assert [lot["lot_id"] for lot in told["lots"]] == re.findall(r"批次 lot (\S+):", said)


def test_an_outcome_leads_to_the_documents_of_its_rule_and_to_who_approved_them(
    worked_lake: Path,
) -> None:
    hotel = rows(
        worked_lake,
        "select explanation, rule_source, rule_approved_by, tier_rule_source"
        " from explained_outcomes"
        " where business = 'hotel' and outcome = 'awarded'",
    )
    multiplied = "基础 base 1,000 × 业态 150% × silver 120%, 向下取整"
    rules = "规则 rule earn/hotel/2024-01-01, 等级规则 tier rule tier/silver/2024-01-01"
    assert hotel == [
        (
            f"已得积分 (awarded) 1,800 = {multiplied}  {rules}",
            "Programme charter 2024 §3; Programme charter 2024 §3.1; Programme charter 2024 §5.2",
            "Group membership committee",
            "Programme charter 2024 §4.3",
        )
    ]
    said = must_run(worked_lake, "exports", "explain", "activity", "hotel:F1")
    assert (
        "等级规则 tier/silver/2024-01-01: 自 from 2024-01-01, 依据 by Programme charter 2024 §4.3,"
        " 批准 approved by Group membership committee"
    ) in said


def test_the_upgrade_lasts_until_its_reason_is_refunded(worked_lake: Path) -> None:
    changes = rows(
        worked_lake,
        """
        select posted_date::varchar, effective_date::varchar, from_tier, to_tier, reason,
            growth_value, period_end_date::varchar, is_reversal
        from fct_tier_changes order by change_number
        """,
    )
    assert changes[0] == (
        "2026-10-30",
        "2026-10-31",
        "basic",
        "silver",
        "upgrade",
        5200,
        "2027-10-30",
        False,
    )
    assert changes[1][:5] == ("2026-11-01", "2026-11-02", "silver", "basic", "reversal")
    assert len(changes) == 2


@pytest.mark.parametrize(
    ("month", "party", "opening", "receivable", "payable", "closing"),
    [
        # Points 2.00 and 52.00. Of the merchant 5,299.99 passed on, 8 % and 0.6 % of three receipts
        # (80.00 + 6.00, 336.00 + 25.20, 8.00 + 0.60) kept; 200.00 refunded, with 16.00 and 1.20.
        ("2026-10-01", "mall", 0, 200 + 45_580 + 20_000, 5_200 + 529_999 + 1_720, -471_139),
        ("2026-10-01", "mall/S1", 0, 531_719, 65_580, 466_139),
        ("2026-10-01", "hotel", 0, 600, 1800, -1200),
        ("2026-10-01", "property", 0, 0, 1000, -1000),
        ("2026-10-01", "parking", 0, 300, 8, 292),
        # 4,000 + 1,800 + 700 + 8 points outstanding and 400 expired
        ("2026-10-01", "fund", 0, 8008, 1100, 6908),
        # Of the 1,000.00 refunded 80.00 and 6.00 go back to the merchant.
        ("2026-11-01", "mall", -471_139, 1_000 + 100_000, 8_600, -378_739),
        ("2026-11-01", "mall/S1", 466_139, 8_600, 100_000, 374_739),
        ("2026-11-01", "hotel", -1200, 0, 0, -1200),
        ("2026-11-01", "property", -1000, 0, 0, -1000),
        ("2026-11-01", "parking", 292, 0, 0, 292),
        ("2026-11-01", "fund", 6908, 0, 1000, 5908),
    ],
)
def test_each_party_is_owed_what_was_computed_by_hand(
    worked_lake: Path,
    month: str,
    party: str,
    opening: int,
    receivable: int,
    payable: int,
    closing: int,
) -> None:
    found = rows(
        worked_lake,
        f"""
        select opening_fen, receivable_fen, payable_fen, closing_fen from fct_settlement_balances
        where period_month = date '{month}' and party = '{party}'
        """,
    )
    assert found == [(opening, receivable, payable, closing)]


def test_points_of_the_mall_taken_by_the_hotel_stand_in_the_matrix(worked_lake: Path) -> None:
    matrix = rows(
        worked_lake,
        """
        select issuer_business, redeemer_business, points, amount_fen
        from fct_settlement_matrix order by 1
        """,
    )
    assert matrix == [("mall", "hotel", 600, 600), ("property", "parking", 300, 300)]


def test_the_closed_statement_of_the_hotel_says_the_same(worked_lake: Path) -> None:
    folder = worked_lake / "outbox" / "statements" / "2026-10" / "hotel"
    (workbook,) = [path for path in folder.glob("*.xlsx") if "已关账" in path.name]
    cells = {
        cell.value
        for sheet in openpyxl.load_workbook(workbook, read_only=True)
        for row in sheet.iter_rows()
        for cell in row
    }
    assert {6, 18, -12} <= {value for value in cells if isinstance(value, int | float)}
    assert "JS-2026-10-HOTEL-001-v1" in cells


def test_nothing_refused_and_every_row_is_accounted_for(worked_lake: Path) -> None:
    assert rows(
        worked_lake, "select sum(violation_count)::bigint, count(*) from fct_invariants"
    ) == [(0, 11)]
    counted = rows(
        worked_lake,
        """
        select sum(row_count)::bigint, sum(loaded_count)::bigint from fct_load_reconciliation
        """,
    )
    # merchant, member, 3 sales, 3 tenders, guest, resident, bill, payment, vehicle = 13;
    # folio + session + payment + sale + tender = 5; sale + tender = 2
    assert counted == [(20, 20)]
