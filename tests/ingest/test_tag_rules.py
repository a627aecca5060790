"""The rule book of tags: what it refuses, with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path

import pytest

from ingest.core.errors import Problem
from ingest.rules.books import load_rule_books
from ingest.rules.changes import rule_changes
from ingest.rules.compile import compile_rules
from tests.ingest.rule_books import PROJECT, must_refuse_spoiled

BOOK = """tags:
  - tag: regular_guest
    tag_name: 常客
    definitions:
      - from: 2026-01-01
        value: {businesses: [outlet, mall], channels: [store], within_days: 30, orders_at_least: 4}
        source: Sheet
        approved_by: Somebody
      - from: 2026-03-01
        value: null
        source: Sheet
        approved_by: Somebody
"""


@pytest.fixture
def rules(rules: Path) -> Path:
    """A copy of the project's rule books with one tag, for which a rule asks."""
    (rules / "programme" / "tags.yml").write_text(BOOK, encoding="utf-8")
    return rules


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("[outlet, mall]", "[outlet, maul]", 6, "unknown business 'maul'"),
        ("[outlet, mall]", "[mall, mall]", 6, "stands here twice"),
        ("[store]", "[]", 6, "at least 1 item"),
        ("within_days: 30", "within_days: 0", 6, "greater than or equal to 1"),
        ("within_days: 30", "within_days: 1097", 6, "less than or equal to 1096"),
        ("orders_at_least: 4", "orders_at_least: 0", 6, "greater than or equal to 1"),
        (", orders_at_least: 4", "", 6, "say one of orders_at_least, paid_fen_at_least"),
        ("orders_at_least: 4", "orders_at_least: 4, paid_fen_at_least: 1", 6, "say one of"),
        ("within_days: 30", 'within_days: 30, from_time: "18:00"', 6, "go together"),
        ("within_days: 30", 'within_days: 30, until_time: "18:00"', 6, "go together"),
        ("within_days: 30", 'within_days: 30, from_time: "24:00", until_time: "1:00"', 6, "time"),
        ("within_days: 30", "within_days: 30, arrival: train", 6, "arrival"),
        ("2026-03-01", "2025-12-31", 4, "must come after 2026-01-01"),
    ],
)
def test_a_spoiled_tag_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "tags.yml"
    must_refuse_spoiled(path, BOOK, old, new, line, reason)


def test_a_rule_that_asks_for_an_unknown_tag_is_refused(rules: Path) -> None:
    path = rules / "programme" / "tags.yml"
    path.write_text(BOOK.replace("tag: regular_guest", "tag: seldom"), encoding="utf-8")
    with pytest.raises(Problem, match=r"earning.yml:\d+:\d+: unknown tag 'regular_guest'"):
        load_rule_books(rules, PROJECT)


def test_a_definition_becomes_a_row_until_null_ends_it(rules: Path) -> None:
    [row] = compile_rules(load_rule_books(rules, PROJECT))["tags"].to_pylist()
    assert row == {
        "tag": "regular_guest",
        "tag_name": "常客",
        "businesses": "|mall|outlet|",
        "categories": None,
        "channels": "|store|",
        "from_minute": None,
        "until_minute": None,
        "arrival": None,
        "within_days": 30,
        "orders_at_least": 4,
        "paid_fen_at_least": None,
        "valid_from_date": date(2026, 1, 1),
        "valid_until_date": date(2026, 3, 1),
        "rule_id": "tag/regular_guest/2026-01-01",
    }


def test_another_number_of_orders_is_said_as_a_change(rules: Path) -> None:
    before = compile_rules(load_rule_books(rules, PROJECT))
    path = rules / "programme" / "tags.yml"
    path.write_text(BOOK.replace("orders_at_least: 4", "orders_at_least: 5"), encoding="utf-8")
    [change] = rule_changes(before, compile_rules(load_rule_books(rules, PROJECT)))
    said = (change.book, change.path, change.effect_date, change.before, change.after)
    place = "tags[regular_guest].definitions.orders_at_least"
    assert said == ("programme/tags.yml", place, date(2026, 1, 1), "4", "5")


def test_hours_become_minutes_of_the_day_and_a_way_of_coming_stays(rules: Path) -> None:
    text = BOOK.replace(
        "within_days", 'from_time: "00:00", until_time: "18:30", arrival: car, within_days'
    )
    (rules / "programme" / "tags.yml").write_text(text, encoding="utf-8")
    [row] = compile_rules(load_rule_books(rules, PROJECT))["tags"].to_pylist()
    assert (row["from_minute"], row["until_minute"], row["arrival"]) == (0, 1110, "car")
