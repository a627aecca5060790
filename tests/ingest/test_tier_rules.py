"""The rule book of tiers: conditions, windows and metrics, and what is refused, with its place."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.core.errors import Problem
from ingest.rules.books import load_rule_books
from tests.ingest.rule_books import PROJECT, change, compiled

SOURCE = "source: Charter 2024, approved_by: Committee"
SOURCE = "source: Charter 2024, approved_by: Committee"
GOLD = "growth_threshold: [{from: 2024-01-01, value: 20000,"
COMPOSITE = f"""reach:
      - from: 2024-01-01
        value:
          - all_of: [{{metric: growth, at_least: 20000}}]
          - at_least_n_of:
              {{n: 2, of: [{{metric: growth, at_least: 8000}}, {{metric: nights, at_least: 6}}]}}
        source: Charter 2024
        approved_by: Committee
    keep: [{{from: 2025-01-01, value: {{any_of: [{{metric: growth, at_least: 15001}}]}}, {SOURCE}}}]
    """


def spoil(rules: Path, old: str, new: str) -> int:
    return change(rules / "programme" / "tiers.yml", old, new)


def with_conditions(rules: Path) -> int:
    """Give gold conditions of its own; the line on which they start."""
    path = rules / "programme" / "tiers.yml"
    line = next(text for text in path.read_text("utf-8").splitlines() if GOLD in text)
    return change(path, line.strip(), COMPOSITE.rstrip())


def lines_of(rules: Path, tier: str) -> list[tuple[Any, ...]]:
    names = ("purpose", "valid_from_date", "way_number", "group_number", "needed_count")
    return [
        (*(row[name] for name in names), row["metric"], row["at_least"])
        for row in compiled(rules, "tier_conditions")
        if row["tier"] == tier
    ]


def test_a_threshold_is_short_for_a_condition_that_asks_for_growth_and_keep_follows_reach(
    rules: Path,
) -> None:
    start = date(2024, 1, 1)
    assert lines_of(rules, "gold") == [
        ("reach", start, 1, 1, 1, "growth", 20000),
        ("keep", start, 1, 1, 1, "growth", 20000),
    ]
    assert lines_of(rules, "basic") == []


def test_ways_and_groups_are_numbered_and_keep_follows_reach_until_it_has_a_date(
    rules: Path,
) -> None:
    with_conditions(rules)
    start = date(2024, 1, 1)
    ways = [
        (1, 1, 1, "growth", 20000),
        (2, 2, 2, "growth", 8000),
        (2, 2, 2, "nights", 6),
    ]
    assert lines_of(rules, "gold") == [
        *(("reach", start, *way) for way in ways),
        *(("keep", start, *way) for way in ways),
        ("keep", date(2025, 1, 1), 1, 1, 1, "growth", 15001),
    ]


def test_inserting_a_tier_is_one_entry(rules: Path) -> None:
    path = rules / "programme" / "tiers.yml"
    jade = (
        f"  - tier: jade\n    tier_name: 翡翠卡\n"
        f"    growth_threshold: [{{from: 2026-01-01, value: 50000, {SOURCE}}}]\n"
        f"    points_multiplier_percent: [{{from: 2026-01-01, value: 175, {SOURCE}}}]\n"
    )
    change(path, "  - tier: diamond\n", jade + "  - tier: diamond\n")
    ranks = {row["tier"]: row["tier_rank"] for row in compiled(rules, "tiers")}
    assert ranks == {"basic": 0, "silver": 1, "gold": 2, "jade": 3, "diamond": 4}


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("{kind: calendar_year}", ("cycle", 12, 1, 1)),
        ("{kind: rolling_days, days: 365}", ("rolling_days", 365, None, None)),
        ("{kind: rolling_months, months: 12}", ("rolling_months", 12, None, None)),
        ("{kind: membership_anniversary}", ("membership_anniversary", 12, None, None)),
        ("{kind: cycle, start: 03-01, months: 6}", ("cycle", 6, 3, 1)),
    ],
)
def test_every_window_compiles(
    rules: Path, window: str, expected: tuple[str, int, int | None, int | None]
) -> None:
    spoil(rules, "{kind: rolling_months, months: 12}", window)
    [policy] = compiled(rules, "tier_policy")
    names = ("window_kind", "window_length", "cycle_start_month", "cycle_start_day")
    assert tuple(policy[name] for name in names) == expected


def test_growth_percent_is_each_businesss_own_value_for_money_paid(rules: Path) -> None:
    rows = [row for row in compiled(rules, "tier_feeds") if row["metric"] == "growth"]
    values = {(row["business"], row["unit"], row["value"]) for row in rows}
    assert ("property", "paid_10000_fen", 50) in values
    assert ("mall", "paid_10000_fen", 100) in values
    nights = [row for row in compiled(rules, "tier_feeds") if row["metric"] == "nights"]
    assert [(r["business"], r["activity_type"], r["unit"], r["value"]) for r in nights] == [
        ("hotel", "stay", "quantity", 1)
    ]


def test_pending_money_does_not_count_unless_the_feed_says_so(rules: Path) -> None:
    def is_counted() -> set[bool]:
        return {row["is_pending_counted"] for row in compiled(rules, "tier_feeds")}

    assert is_counted() == {False}
    spoil(rules, "unit: growth_percent", "unit: growth_percent\n        pending_counts: true")
    assert is_counted() == {False, True}


WINDOW = "{kind: rolling_months, months: 12}"
MISTAKES = [
    (WINDOW, "{kind: rolling_days}", "window rolling_days needs days besides its kind"),
    (WINDOW, "{kind: calendar_year, days: 3}", "window calendar_year needs nothing besides"),
    (WINDOW, "{kind: cycle, start: 03-01, months: 5}", "5 months does not divide a year"),
    (WINDOW, "{kind: cycle, start: 02-30, months: 6}", "should match pattern"),
    (WINDOW, "{kind: lunar_year}", "'calendar_year', 'rolling_days'"),
    ("value: one_down", "value: two_down", "'one_down', 'requalify', 'to_base' or 'soft_landing'"),
    ("value: none", "value: all", "'none' or 'remainder'"),
    ("metric: growth  #", "metric: spend  #", "the first metric is 'growth'"),
    ("metric: nights  #", "metric: growth  #", "'growth' is described twice"),
    ("unit: growth_percent", "unit: activity", "unit activity needs a value"),
    (
        "unit: quantity",
        "unit: quantity\n        pending_counts: true",
        "nothing of quantity is pen",
    ),
    ("businesses: [hotel]", "businesses: [zoo]", "unknown business 'zoo'"),
    ("activity_types: [stay]", "activity_types: [refund]", "'refund' takes back, it earns nothing"),
]


@pytest.mark.parametrize(("old", "new", "reason"), MISTAKES)
def test_a_spoiled_rule_book_of_tiers_is_refused_with_its_place(
    rules: Path, old: str, new: str, reason: str
) -> None:
    line = spoil(rules, old, new)
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    message = str(caught.value)
    assert message.startswith(f"{rules / 'programme' / 'tiers.yml'}:")
    assert abs(int(message.split(":")[1]) - line) <= 1
    assert reason in message


@pytest.mark.parametrize(
    ("old", "new", "offset", "reason"),
    [
        (
            "metric: nights, at_least: 6",
            "metric: visits, at_least: 6",
            5,
            "unknown metric 'visits'",
        ),
        (
            "n: 2, of: [{metric: growth",
            "n: 3, of: [{metric: growth",
            4,
            "n is 3, but there are 2 to choose from",
        ),
        (
            "metric: nights, at_least: 6",
            "metric: growth, at_least: 6",
            4,
            "'growth' is asked for twice",
        ),
        ("at_least: 15001", "at_least: 0", 8, "greater than or equal to 1"),
        (
            "any_of: [{metric: growth, at_least: 15001}]",
            "",
            8,
            "needs any_of, all_of or at_least_n",
        ),
    ],
)
def test_a_spoiled_condition_is_refused_with_its_line(
    rules: Path, old: str, new: str, offset: int, reason: str
) -> None:
    start = with_conditions(rules)
    spoil(rules, old, new)
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    message = str(caught.value)
    assert message.startswith(f"{rules / 'programme' / 'tiers.yml'}:{start + offset}:")
    assert reason in message


def test_a_tier_says_one_of_threshold_and_reach_and_the_lowest_asks_for_nothing(
    rules: Path,
) -> None:
    start = with_conditions(rules)
    path = rules / "programme" / "tiers.yml"
    text = path.read_text("utf-8")
    change(
        path,
        "    tier_name: 金卡\n",
        f"    tier_name: 金卡\n    growth_threshold: [{{from: 2024-01-01, value: 1, {SOURCE}}}]\n",
    )
    with pytest.raises(Problem, match=rf"tiers\.yml:{start - 2}:.*needs growth_threshold or reach"):
        load_rule_books(rules, PROJECT)
    path.write_text(text, encoding="utf-8")
    change(
        path,
        "    tier_name: 普卡\n",
        "    tier_name: 普卡\n    keep:\n      - from: 2024-01-01\n"
        "        value: {any_of: [{metric: growth, at_least: 1}]}\n"
        "        source: Charter\n        approved_by: Committee\n",
    )
    with pytest.raises(Problem, match="the lowest tier asks for nothing"):
        load_rule_books(rules, PROJECT)
