"""How points are paid for, and how many of them will be redeemed: dated rules of settlement."""

from datetime import date
from pathlib import Path

import pytest

from ingest.__main__ import main
from ingest.core.errors import Problem
from ingest.rules.books import load_rule_books
from ingest.rules.changes import rule_changes
from ingest.rules.compile import compile_rules
from ingest.rules.funding import check_kept
from tests.ingest.rule_books import PROJECT, change, compiled, must_refuse

BOOK = "programme/settlement.yml"
HYBRID = "value: {mode: hybrid, deposit_percent: 40, returned_percent: 50}"
FIRST = "funding:\n  - {from: 2024-01-01, value: {mode: pool}"
OUTLETS = "    funding:\n      - {from: 2024-01-01"
# Which text becomes which other one, how many lines below it is named, and what is said.
MISTAKES = [
    ("mode: hybrid", "mode: credit", 0, "does not match any of the expected tags"),
    (HYBRID, "value: {mode: hybrid, deposit_percent: 40}", 0, "Field required"),
    ("deposit_percent: 40", "deposit_percent: 0", 0, "greater than or equal to 1"),
    ("deposit_percent: 40", "deposit_percent: 100", 0, "less than or equal to 99"),
    ("returned_percent: 50", "returned_percent: 101", 0, "less than or equal to 100"),
    (HYBRID, "value: {mode: bilateral, deposit_percent: 40}", 0, "is unknown here"),
    (
        *("issuer_business: outlet\n    funding", "issuer_business: zoo\n    funding"),
        *(0, "unknown business 'zoo'"),
    ),
    (FIRST, FIRST.replace("2024-01-01", "2024-01-02"), 1, "points have a price from 2024-01-01 on"),
    (OUTLETS, OUTLETS.replace("2024-01-01", "2024-01-02"), 1, "begins after 2024-01-01"),
    ("redeemed_per_10000: 8600", "redeemed_per_10000: 10001", 0, "less than or equal to 10000"),
    ("redeemed_per_10000: 8600", "redeemed_per_10000: 0", 0, "greater than or equal to 1"),
    ("issued_from: 2026-11-01", "issued_from: 2026-11-02", -2, "is not the first day of a month"),
    ("issued_from: 2026-11-01", "issued_from: 2024-01-01", -2, "must come after 2024-01-01"),
    (
        *("issuer_business: hotel\n    redeemed", "issuer_business: mall\n    redeemed"),
        *(0, "'mall' is described twice"),
    ),
]


@pytest.mark.parametrize(("old", "new", "below", "reason"), MISTAKES)
def test_a_mistake_in_how_points_are_paid_for_is_named_with_its_line(
    rules: Path, old: str, new: str, below: int, reason: str
) -> None:
    line = change(rules / BOOK, old, new)
    must_refuse(rules, rules / BOOK, line + below, reason)


def test_a_mistake_in_a_share_is_named_at_that_share(rules: Path) -> None:
    path = rules / BOOK
    line = change(path, "deposit_percent: 40", "deposit_percent: 0")
    column = path.read_text(encoding="utf-8").splitlines()[line - 1].index("deposit_percent") + 1
    with pytest.raises(Problem, match=rf"settlement\.yml:{line}:{column}: "):
        load_rule_books(rules, PROJECT)


def test_funding_has_a_row_for_each_business_and_stretch_with_the_shares_of_its_mode(
    rules: Path,
) -> None:
    rows = {
        (row["issuer_business"], row["valid_from_date"]): row for row in compiled(rules, "funding")
    }
    assert rows["mall", date(2024, 1, 1)] == {
        "issuer_business": "mall",
        "mode": "pool",
        "deposit_percent": 100,
        "returned_percent": 0,
        "valid_from_date": date(2024, 1, 1),
        "valid_until_date": None,
        "rule_id": "funding/mall/2024-01-01",
    }
    outlet = [row for (issuer, _), row in rows.items() if issuer == "outlet"]
    assert [(row["mode"], row["deposit_percent"], row["returned_percent"]) for row in outlet] == [
        ("pool", 100, 0),
        ("hybrid", 40, 50),
    ]
    assert outlet[0]["valid_until_date"] == outlet[1]["valid_from_date"] == date(2026, 11, 2)
    change(rules / BOOK, HYBRID, "value: {mode: bilateral}")
    found = [row for row in compiled(rules, "funding") if row["mode"] == "bilateral"]
    assert [(row["deposit_percent"], row["returned_percent"]) for row in found] == [(0, 0)]


def test_estimates_have_a_row_for_each_version_and_vintage(rules: Path) -> None:
    rows = [
        row for row in compiled(rules, "redemption_estimates") if row["issuer_business"] == "outlet"
    ]
    dates = ("issued_from_date", "issued_until_date", "valid_from_date", "valid_until_date")
    second = date(2026, 11, 1)
    assert [(row["redeemed_per_10000"], *(row[name] for name in dates)) for row in rows] == [
        (8200, date(2024, 1, 1), None, date(2024, 1, 1), second),
        (8200, date(2024, 1, 1), second, second, None),
        (8600, second, None, second, None),
    ]


def test_a_new_funding_and_a_new_estimate_are_listed_as_changes_from_their_day_on(
    rules: Path,
) -> None:
    before = compile_rules(load_rule_books(rules, PROJECT))
    change(rules / BOOK, "deposit_percent: 40", "deposit_percent: 60")
    change(rules / BOOK, "redeemed_per_10000: 8600", "redeemed_per_10000: 8700")
    changes = list(rule_changes(before, compile_rules(load_rule_books(rules, PROJECT))))
    assert [(each.path, str(each.effect_date), each.before, each.after) for each in changes] == [
        ("funding_exceptions[outlet].funding.deposit_percent", "2026-11-02", "40", "60"),
        (changes[1].path, "2026-11-01", changes[1].before, changes[1].after),
    ]
    assert changes[1].path.startswith("redemption_estimates[outlet].redeemed")
    assert "8600" in str(changes[1].before)
    assert "8700" in str(changes[1].after)


def test_funding_of_days_that_nights_have_posted_is_kept(rules: Path) -> None:
    before = compiled(rules, "funding")
    change(rules / BOOK, "deposit_percent: 40", "deposit_percent: 60")
    after = compiled(rules, "funding")
    check_kept(before, after, date(2026, 11, 2))  # the night of the first day itself
    reason = "that outlet issued from 2026-11-02 on were paid for as hybrid.*begin on 2026-11-03"
    with pytest.raises(Problem, match=reason):
        check_kept(before, after, date(2026, 11, 3))
    check_kept(before, before, date(2026, 11, 3))


def test_funding_that_is_moved_to_an_earlier_day_is_refused_from_that_day_on(rules: Path) -> None:
    before = compiled(rules, "funding")
    change(rules / BOOK, "from: 2026-11-02", "from: 2026-10-20")
    after = compiled(rules, "funding")
    check_kept(before, after, date(2026, 10, 20))
    with pytest.raises(Problem, match="from 2026-10-20 on were paid for as pool, not hybrid"):
        check_kept(before, after, date(2026, 10, 21))
    malls = [row for row in before if row["issuer_business"] == "mall"]
    check_kept(malls, after, date(2026, 12, 1))  # a business that was not there is free to begin


def test_a_night_with_other_funding_of_the_days_before_it_is_not_opened(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("RULES_DIR", str(rules))
    assert main(["rules", "--date", "2026-11-02"]) == 0
    change(rules / BOOK, "deposit_percent: 40", "deposit_percent: 60")
    assert main(["rules", "--date", "2026-11-02"]) == 0
    change(rules / BOOK, "deposit_percent: 60", "deposit_percent: 40")
    with pytest.raises(Problem, match="paid for as hybrid"):
        main(["rules", "--date", "2026-11-03"])
