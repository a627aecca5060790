"""The rule book of tax: mistakes named with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path

import pytest

from ingest.rules.tax import MOVEMENTS
from tests.ingest.rule_books import change, compiled, must_refuse, must_refuse_spoiled

VALUE = "- {from: 2024-01-01, value: {treatment: outside, per_mille: 0}, source: s, approved_by: a}"
BOOK = "".join(f"{name}:\n  {VALUE}\n" for name in MOVEMENTS)
PAYEES = """payees:
  - payee: parking
    status:
      - from: 2026-07-01
        value: {treatment: simplified, per_mille: 30}
        source: s
        approved_by: a
      - {from: 2027-01-01, value: null, source: s, approved_by: a}
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("treatment: outside", "treatment: none", 2, "should be 'general'"),
        ("per_mille: 0", "per_mille: 1", 2, "outside has no tax; write a rate of 0, not 1"),
        (
            "treatment: outside, per_mille: 0",
            "treatment: exempt, per_mille: 60",
            2,
            "exempt has no",
        ),
        ("treatment: outside, per_mille: 0", "treatment: general, per_mille: 1001", 2, "1000"),
        ("treatment: outside, per_mille: 0", "treatment: general, per_mille: -1", 2, "0"),
        ("points_issued:\n  " + VALUE + "\n", "", 1, "points_issued"),
        ("sales:", "gifts:", 5, "gifts"),
        ("2024-01-01", "2024-01-02", 2, "points have a price from 2024-01-01 on; begin no later"),
    ],
)
def test_a_spoiled_book_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "tax.yml"
    must_refuse_spoiled(path, BOOK, old, new, line, reason)


def test_an_exempt_contract_with_a_rate_is_refused(rules: Path) -> None:
    path = rules / "programme" / "contracts.yml"
    line = change(path, "tax_treatment: general", "tax_treatment: exempt")
    must_refuse(rules, path, line - 4, "exempt has no tax; write a rate of 0, not 60")


def test_each_movement_has_a_row_for_each_stretch_and_none_is_named_twice(rules: Path) -> None:
    second = VALUE.replace("2024-01-01", "2026-07-01").replace(
        "outside, per_mille: 0", "general, per_mille: 90"
    )
    text = BOOK.replace("sales:\n", f"sales:\n  {VALUE}\n  {second}\n", 1)
    text = text.replace(f"{second}\n  {VALUE}\n", f"{second}\n", 1)
    (rules / "programme" / "tax.yml").write_text(text, encoding="utf-8")
    rows = compiled(rules, "movement_taxes")
    assert [row for row in rows if row["movement_type"] == "sale"] == [
        {
            "movement_type": "sale",
            "tax_treatment": "outside",
            "tax_per_mille": 0,
            "valid_from_date": date(2024, 1, 1),
            "valid_until_date": date(2026, 7, 1),
            "rule_id": "tax/sales/2024-01-01",
        },
        {
            "movement_type": "sale",
            "tax_treatment": "general",
            "tax_per_mille": 90,
            "valid_from_date": date(2026, 7, 1),
            "valid_until_date": None,
            "rule_id": "tax/sales/2026-07-01",
        },
    ]
    movements = [row["movement_type"] for row in rows]
    assert len(movements) == len(set(movements)) + 1


def taxed(rules: Path, *entries: str) -> list[tuple[object, ...]]:
    """Rows of payees: the book with some entries at 6 % from 2024 and 9 % from October 2026 on."""
    text = BOOK + PAYEES
    for name in entries:
        rate = VALUE.replace("outside, per_mille: 0", "general, per_mille: 60")
        more = VALUE.replace("outside, per_mille: 0", "general, per_mille: 90")
        more = more.replace("2024-01-01", "2026-10-01")
        text = text.replace(f"{name}:\n  {VALUE}", f"{name}:\n  {rate}\n  {more}")
    (rules / "programme" / "tax.yml").write_text(text, encoding="utf-8")
    return [tuple(row.values()) for row in compiled(rules, "payee_taxes")]


def test_a_payee_has_its_own_rate_of_what_is_taxed_until_it_is_like_everybody(rules: Path) -> None:
    assert taxed(rules) == []
    said = ("simplified", 30)
    until, end = date(2026, 10, 1), date(2027, 1, 1)
    begin = date(2026, 7, 1)
    named = "tax/voucher_subsidies/parking"
    assert taxed(rules, "voucher_subsidies") == [
        ("parking", movement, *said, first, last, f"{named}/{first}")
        for first, last in ((begin, until), (until, end))
        for movement in ("voucher_subsidy", "budget_excess", "budget_excess_refund")
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("payee: parking", "payee: garage", 12, "unknown payee 'garage'"),
        ("payee: parking", "payee: garage/S1", 12, "unknown payee 'garage'"),
        ("simplified, per_mille: 30", "exempt, per_mille: 30", 15, "exempt has no tax"),
        ("simplified, per_mille: 30", "outside, per_mille: 0", 15, "should be 'general'"),
        ("2027-01-01", "2026-07-01", 13, "must come after 2026-07-01"),
    ],
)
def test_a_spoiled_payee_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "tax.yml"
    must_refuse_spoiled(path, BOOK + PAYEES, old, new, line, reason)


def test_payees_are_parties_merchants_among_them_each_named_once(rules: Path) -> None:
    path = rules / "programme" / "tax.yml"
    for payee in ("fund", "mall", "mall/S0001"):
        path.write_text(BOOK + PAYEES.replace("parking", payee), encoding="utf-8")
        compiled(rules, "payee_taxes")
    entry = PAYEES.removeprefix("payees:\n")
    path.write_text(BOOK + PAYEES + entry, encoding="utf-8")
    must_refuse(rules, path, 19, "'parking' is described twice")
