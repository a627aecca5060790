"""The rule book of migrations: what it compiles to, and mistakes named with file, line, column."""

from datetime import date
from pathlib import Path

import pytest

from ingest.core.errors import Problem
from ingest.demo.legacy import CUT_OVER, LINES
from ingest.rules.books import load_rule_books
from tests.ingest.rule_books import PROJECT, change, compiled

BOOK = "programme/migrations.yml"
RULE = "migration/hotel/2025-12-31"


def test_a_migration_compiles_to_its_totals_and_a_row_for_each_tier(rules: Path) -> None:
    key = {"business": "hotel", "cut_over_date": date(2025, 12, 31)}
    assert compiled(rules, "migrations") == [
        {
            **key,
            "legacy_system_name": "酒店旧会员俱乐部",
            "signed_account_count": 17,
            "signed_points": 42300,
            "is_counted_for_tiers": False,
            "valid_from_date": date(2025, 12, 31),
            "valid_until_date": None,
            "source": "Migration protocol hotel 2026-01 §2, signed by the hotel's finance",
            "approved_by": "Group membership committee",
            "rule_id": RULE,
        }
    ]
    kept = {"kept_through_date": date(2026, 12, 31)}
    assert compiled(rules, "migration_tiers") == [
        {**key, "legacy_tier_name": "普通会员", "tier": "basic", **kept},
        {**key, "legacy_tier_name": "白金会员", "tier": "gold", **kept},
        {**key, "legacy_tier_name": "贵宾会员", "tier": "silver", **kept},
    ]


def test_the_demo_group_delivers_what_the_book_says_was_signed(rules: Path) -> None:
    [signed] = compiled(rules, "migrations")
    assert signed["cut_over_date"] == CUT_OVER
    assert signed["signed_points"] == sum(points for _, points, *_ in LINES)
    assert signed["signed_account_count"] == len({place for place, *_ in LINES})


def test_activity_before_the_cut_over_counts_for_tiers_where_no_tier_is_brought_or_the_book_says_so(
    rules: Path,
) -> None:
    path = rules / BOOK
    signed = "signed: {accounts: 17, points: 42300}\n"
    change(path, signed, f"{signed}    counts_for_tiers: true\n")
    assert compiled(rules, "migrations")[0]["is_counted_for_tiers"] is True
    change(path, "    counts_for_tiers: true\n", "")
    text = path.read_text(encoding="utf-8")
    begin, end = text.index("    tiers:\n"), text.index("    source:")
    path.write_text(text[:begin] + text[end:], encoding="utf-8")
    assert compiled(rules, "migrations")[0]["is_counted_for_tiers"] is True
    assert compiled(rules, "migration_tiers") == []


def test_a_group_that_migrates_nothing_says_so(rules: Path) -> None:
    (rules / BOOK).write_text("migrations: []\n", encoding="utf-8")
    assert compiled(rules, "migrations") == compiled(rules, "migration_tiers") == []


@pytest.mark.parametrize(
    ("old", "new", "column", "reason"),
    [
        ("business: hotel", "business: zoo", 5, "unknown business 'zoo'"),
        ("business: hotel", "business: mall", 5, "'mall' hands over no legacy balances"),
        ("cut_over_date: 2025-12-31", "cut_over_date: 2023-12-31", 5, "begin on 2024-01-01"),
        ("kept_through: 2026-12-31", "kept_through: 2025-12-31", 7, "must come after the cut-over"),
        ("白金会员: gold", "白金会员: jade", 44, "unknown tier 'jade'"),
        (
            "becomes: {普通会员: basic, 贵宾会员: silver, 白金会员: gold}",
            "becomes: {}",
            7,
            "at least 1",
        ),
        ("points: 42300", "points: -1", 28, "greater than or equal to 0"),
        ("accounts: 17", "accounts: many", 14, "should be a valid integer"),
        ("    source:", "    sourced:", 5, "is unknown here"),
        ("    cut_over_date: 2025-12-31\n", "", 3, "Field required"),
    ],
)
def test_a_spoiled_migration_is_refused_with_file_line_and_column(
    rules: Path, old: str, new: str, column: int, reason: str
) -> None:
    path = rules / BOOK
    line = change(path, old, new)
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    message = str(caught.value)
    assert reason in message
    place, at_line, at_column, _ = message.split(":", 3)
    assert place == str(path)
    if new:
        assert (int(at_line), int(at_column)) == (line, column)


def test_a_business_migrates_once(rules: Path) -> None:
    path = rules / BOOK
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text[text.index("  - business") :], encoding="utf-8")
    with pytest.raises(Problem, match="'hotel' is described twice"):
        load_rule_books(rules, PROJECT)


def test_the_first_day_of_the_programme_is_early_enough_and_the_day_before_is_not(
    rules: Path,
) -> None:
    path = rules / BOOK
    change(path, "cut_over_date: 2025-12-31", "cut_over_date: 2024-01-01")
    load_rule_books(rules, PROJECT)
    change(path, "cut_over_date: 2024-01-01", "cut_over_date: 2023-12-31")
    with pytest.raises(Problem, match="cut over no earlier"):
        load_rule_books(rules, PROJECT)
