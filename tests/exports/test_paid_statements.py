"""What was paid, on statements: between opening and closing, and never on one that is closed.

January: the mall owes the fund 12.34 (closing_group). The mall pays 10.00 in time; what is recorded
after January's last night counts for February.
"""

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from exports.closes import workflow
from exports.explain.statement import explain_difference, explain_statement
from exports.statements.pack import write_pack
from exports.statements.verify import verify_statements
from ingest.core.errors import Problem
from tests.exports.closing_group import (
    FEB_1,
    FEB_10,
    FEB_11,
    FEB_28,
    JAN_31,
    LATE,
    OWN,
    A,
    B,
    Group,
    Paid,
    closed,
    drafts_of,
    files_of,
    manifest,
    sheet_of,
    through,
)

IN_TIME = Paid("P1", date(2026, 1, 20), date(2026, 1, 20), 1000)
TOO_LATE = Paid("P2", FEB_1, JAN_31, 234)  # the bank paid on the 31st, recorded the day after
TAKEN_BACK = replace(IN_TIME, payment_id="P1#2", posted=FEB_10, payer="fund", payee="mall")
FIGURES = ("opening_fen", "net_fen", "payments_fen", "closing_fen")


@pytest.fixture
def paid(tmp_path: Path) -> Group:
    """January's last night, with 10.00 paid in January."""
    made = Group(tmp_path)
    made.publish(JAN_31, A, B, IN_TIME)
    return made


def figures(group: Group, folder: str, party: str = "mall") -> list[int]:
    said = manifest(group, folder, party)
    return [said[name] for name in FIGURES]


def summary_of(group: Group, folder: str, party: str) -> dict[str, Any]:
    """The block 余额 of 汇总, in fen by label."""
    [path] = (group.lake.outbox / "statements" / folder / party).glob("*.xlsx")
    rows = list(openpyxl.load_workbook(path)["汇总"].iter_rows(values_only=True))
    top = next(i for i, row in enumerate(rows) if row[:3] == ("item", "amount_yuan", "amount_fen"))
    return {row[0]: row[2] for row in rows[top + 1 : top + 7]}


def counterparties(group: Group, folder: str, party: str) -> list[dict[str, str]]:
    [path] = (group.lake.outbox / "statements" / folder / party).glob("往来_*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_month_closes_with_its_opening_its_movements_and_what_was_paid(paid: Group) -> None:
    closed(paid, "2026-01")
    assert figures(paid, "2026-01") == [0, -1234, 1000, -234]
    assert figures(paid, "2026-01", "fund") == [0, 1234, -1000, 234]
    assert summary_of(paid, "2026-01", "mall") == {
        "期初余额": 0,
        "＋ 本期应收": 0,
        "－ 本期应付": 1234,
        "＝ 本期净额": -1234,
        "＋ 本期结算/付款": 1000,
        "期末余额": -234,
    }
    assert counterparties(paid, "2026-01", "mall") == [
        {
            "对方": "集团积分基金",
            "对方代码": "fund",
            "期初（元）": "0.00",
            "应收（元）": "0.00",
            "应付（元）": "12.34",
            "净额（元）": "-12.34",
            "结算/付款（元）": "10.00",
            "期末（元）": "-2.34",
        }
    ]
    [shown] = sheet_of(paid, "2026-01", "fund", "收付款")
    assert (shown["bank_reference"], shown["counterparty_name"]) == ("P1", "购物中心")
    assert (shown["received_yuan"], shown["paid_yuan"], shown["payments_fen"]) == (10, 0, -1000)
    assert verify_statements(paid.lake).faults == ()


def test_a_payment_recorded_after_the_last_night_of_its_month_counts_for_the_open_one(
    paid: Group,
) -> None:
    closed(paid, "2026-01")
    before = files_of(paid.lake.outbox)
    paid.publish(FEB_10, TOO_LATE, OWN, TAKEN_BACK)
    drafts_of(paid)
    assert write_pack(paid.settings, "2026-01")
    assert {name: before[name] for name in before} == {
        name: digest for name, digest in files_of(paid.lake.outbox).items() if name in before
    }
    paid.publish(FEB_28)
    closed(paid, "2026-02")
    assert figures(paid, "2026-02") == [-234, 0, 234 - 1000, -1000]
    assert figures(paid, "2026-02", "fund") == [234, -700, -234 + 1000, 300]
    assert figures(paid, "2026-02", "hotel") == [0, 700, 0, 700]
    assert [
        (row["bank_reference"], row["is_reversal"], row["payments_fen"], row["origin_month"].month)
        for row in sheet_of(paid, "2026-02", "mall", "收付款")
    ] == [("P1#2", "否", -1000, 1), ("P2", "否", 234, 1)]
    assert verify_statements(paid.lake).faults == ()


def test_days_of_grace_take_a_late_payment_into_its_own_month(tmp_path: Path) -> None:
    group = Group(tmp_path, grace=1)
    group.publish(FEB_1, A, B, IN_TIME, TOO_LATE)
    closed(group, "2026-01")
    assert figures(group, "2026-01") == [0, -1234, 1234, 0]


def test_a_restatement_takes_a_late_payment_into_its_own_month(paid: Group) -> None:
    closed(paid, "2026-01")
    before = files_of(paid.lake.outbox / "statements" / "2026-01")
    paid.publish(FEB_10, LATE, TOO_LATE)
    through(paid, "2026-01", "reopen", "approve")
    paid.publish(FEB_11)
    closed(paid, "2026-01")
    assert files_of(paid.lake.outbox / "statements" / "2026-01") == before
    assert figures(paid, "2026-01-v2") == [0, -1289, 1234, -55]
    assert verify_statements(paid.lake).faults == ()


def test_a_month_in_which_nothing_but_payments_was_made_has_a_statement_too(paid: Group) -> None:
    closed(paid, "2026-01")
    paid.publish(FEB_28, replace(TOO_LATE, business=FEB_1))
    closed(paid, "2026-02")
    assert figures(paid, "2026-02") == [-234, 0, 234, 0]
    assert [row["期末（元）"] for row in counterparties(paid, "2026-02", "mall")] == ["0.00"]


def test_a_closed_month_that_a_payment_got_into_is_found(paid: Group) -> None:
    closed(paid, "2026-01")
    paid.publish(FEB_10, replace(TOO_LATE, posted=JAN_31))
    with pytest.raises(Problem, match="2026-01 was closed with other totals than"):
        workflow.close_month(paid.settings, "2026-01")
    with pytest.raises(Problem, match="closed month 2026-01 of fund: closing_fen was 234 at"):
        write_pack(paid.settings, "2026-01")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "update fct_settlement_payments set amount_fen = 999",
            "payments_fen is 1000 in fct_settlement_balances but 999 in fct_settlement_payments",
        ),
        (
            "update fct_counterparty_balances set payments_fen = -999 where party = 'fund'",
            "payments_fen is -1000 in fct_settlement_balances but -999 in fct_counterparty",
        ),
        (
            (
                "update fct_settlement_balances set payments_fen = -999, closing_fen = 235"
                " where party = 'fund'"
            ),
            "payments_fen of all parties for 2026-01 sums to 1 fen, not 0",
        ),
    ],
)
def test_payments_that_do_not_make_the_balance_are_on_no_statement(
    paid: Group, change: str, said: str
) -> None:
    through(paid, "2026-01", "freeze")
    marts = (paid.lake.published / "current" / "marts.duckdb").resolve()
    with duckdb.connect(str(marts)) as connection:
        connection.execute(change)
    with pytest.raises(Problem, match=said):
        write_pack(paid.settings, "2026-01")
    assert not paid.lake.outbox.exists()


def test_a_statement_explains_what_was_paid_and_one_from_before_payments_says_nothing_of_them(
    paid: Group,
) -> None:
    closed(paid, "2026-01")
    said = list(explain_statement(paid.lake, "JS-2026-01-MALL-001-v1"))
    assert any(line.split() == ["结算/付款", "paid", "10.00"] for line in said)
    path = paid.lake.outbox / "statements" / "2026-01" / "fund" / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"payments_fen"', '"other"'))
    said = list(explain_statement(paid.lake, "JS-2026-01-FUND-001-v1"))
    assert any(line.split() == ["结算/付款", "paid", "0.00"] for line in said)


def test_the_difference_of_two_statements_is_of_their_lines_beside_other_csv_files(
    paid: Group,
) -> None:
    closed(paid, "2026-01")
    paid.publish(FEB_10, LATE, TOO_LATE)
    through(paid, "2026-01", "reopen", "approve")
    paid.publish(FEB_11)
    closed(paid, "2026-01")
    said = list(explain_difference(paid.lake, "JS-2026-01-MALL-001-v1", "JS-2026-01-MALL-001-v2"))
    assert any(line.split() == ["结算/付款", "paid", "10.00", "12.34", "2.34"] for line in said)
    assert said[-1].startswith("核对 checked: 逐行差异合计 -0.55")
