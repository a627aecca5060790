"""The rule book of missions: what it refuses, with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path

import pytest

from ingest.rules.books import load_rule_books
from ingest.rules.changes import rule_changes
from ingest.rules.compile import compile_rules
from tests.ingest.rule_books import PROJECT, must_refuse, must_refuse_spoiled

EARNING = """bonus_rules:
  - rule: double
    rule_name: 双倍
    scope: {businesses: [mall], activity_types: [purchase]}
    terms:
      - from: 2026-01-01
        value: {award: {percent_of_base: 100}, when: {mission: step}}
        source: Sheet
        approved_by: Somebody
"""
BOOK = """missions:
  - mission: step
    mission_name: 冲刺
    business: mall
    offers:
      - from: 2026-01-01
        value:
          {metric: growth, missing_at_most: 1000, tiers: [gold, silver], days: 14,
           again_after_days: 90}
        source: Sheet
        approved_by: Somebody
      - from: 2026-03-01
        value: null
        source: Sheet
        approved_by: Somebody
"""


@pytest.fixture
def rules(rules: Path) -> Path:
    """A copy of the project's rule books with one mission and the rule that asks for it."""
    (rules / "programme" / "earning.yml").write_text(EARNING, encoding="utf-8")
    (rules / "programme" / "missions.yml").write_text(BOOK, encoding="utf-8")
    return rules


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("business: mall", "business: maul", 4, "unknown business 'maul'"),
        ("metric: growth", "metric: groth", 8, "unknown metric 'groth'"),
        ("[gold, silver]", "[gold, jade]", 8, "unknown tier 'jade'"),
        ("[gold, silver]", "[gold, gold]", 8, "stands here twice"),
        ("[gold, silver]", "[]", 8, "at least 1 item"),
        ("missing_at_most: 1000", "missing_at_most: 0", 8, "greater than or equal to 1"),
        ("days: 14", "days: 0", 8, "greater than or equal to 1"),
        ("days: 14", "days: 367", 8, "less than or equal to 366"),
        ("2026-03-01", "2026-01-01", 5, "must come after 2026-01-01"),
    ],
)
def test_a_spoiled_mission_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "missions.yml"
    must_refuse_spoiled(path, BOOK, old, new, line, reason)


def test_a_mission_that_gives_nothing_is_refused_with_its_line(rules: Path) -> None:
    path = rules / "programme" / "missions.yml"
    other = BOOK.removeprefix("missions:\n").replace("mission: step", "mission: leap")
    path.write_text(BOOK + other, encoding="utf-8")
    must_refuse(rules, path, 16, "no bonus rule of earning.yml asks for mission 'leap'")


def test_a_rule_that_asks_for_an_unknown_mission_is_refused_with_its_line(rules: Path) -> None:
    path = rules / "programme" / "earning.yml"
    path.write_text(EARNING.replace("mission: step", "mission: leap"), encoding="utf-8")
    must_refuse(rules, path, 7, "unknown mission 'leap'")


def test_an_offer_becomes_a_row_until_null_ends_it_and_the_rule_names_the_mission(
    rules: Path,
) -> None:
    tables = compile_rules(load_rule_books(rules, PROJECT))
    [row] = tables["missions"].to_pylist()
    assert row == {
        "mission": "step",
        "mission_name": "冲刺",
        "business": "mall",
        "metric": "growth",
        "missing_at_most": 1000,
        "tiers": "|gold|silver|",
        "days": 14,
        "again_after_days": 90,
        "valid_from_date": date(2026, 1, 1),
        "valid_until_date": date(2026, 3, 1),
        "rule_id": "mission/step/2026-01-01",
    }
    assert [row["with_mission"] for row in tables["bonus_rules"].to_pylist()] == ["step"]


def test_a_longer_mission_is_said_as_a_change(rules: Path) -> None:
    before = compile_rules(load_rule_books(rules, PROJECT))
    path = rules / "programme" / "missions.yml"
    path.write_text(BOOK.replace("days: 14", "days: 21"), encoding="utf-8")
    after = compile_rules(load_rule_books(rules, PROJECT))
    [change] = rule_changes(before, after)
    said = (change.book, change.path, change.effect_date, change.before, change.after)
    place = "missions[step].offers.days"
    assert said == ("programme/missions.yml", place, date(2026, 1, 1), "14", "21")
