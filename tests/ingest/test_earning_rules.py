"""The rule book of earning: what it refuses, with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.core.errors import Problem
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from tests.ingest.rule_books import PROJECT, must_refuse

SOURCE = "source: Sheet, approved_by: Somebody"
BRAND = "brands: [{brand: tea, brand_name: 茶, business: mall, merchants: [m1, m2]}]\n"
RULE = """bonus_rules:
  - rule: double
    rule_name: 双倍
    scope:
      businesses: [mall]
      activity_types: [purchase]
    terms:
      - from: 2026-01-01
        value:
          award: {percent_of_base: 100}
          when: {least_paid_fen: 100}
        source: Sheet
        approved_by: Somebody
"""


def write(rules: Path, text: str) -> Path:
    path = rules / "programme" / "earning.yml"
    path.write_text(text, encoding="utf-8")
    (rules / "programme" / "missions.yml").write_text("missions: []\n", encoding="utf-8")
    return path


def compiled(rules: Path, text: str, name: str) -> list[dict[str, Any]]:
    write(rules, text)
    rows: list[dict[str, Any]] = compile_rules(load_rule_books(rules, PROJECT))[name].to_pylist()
    return rows


CAMPAIGN = f"""campaigns:
  - campaign: eleven
    campaign_name: 双十一
    caps:
      - {{from: 2026-11-01, value: {{points_per_day: 500, awards_in_all: 9}}, {SOURCE}}}
      - {{from: 2026-11-12, value: null, {SOURCE}}}
"""
SHARING = RULE.replace("    scope:", "    campaign: eleven\n    scope:")
MISTAKES = [
    ("percent_of_base: 100", "percent_of_base: 0", 10, "greater than or equal to 1"),
    ("percent_of_base: 100", "percent: 100", 10, "unknown here"),
    ("percent_of_base: 100", "percent_of_base: 1, points: 2", 10, "say one of percent_of_base"),
    ("percent_of_base: 100", "percent_of_base: 1, for_each_fen: 2", 10, "goes with points"),
    ("[mall]", "[maul]", 5, "unknown business 'maul'"),
    ("[mall]", "[mall, mall]", 5, "stands here twice"),
    ("[mall]", "[]", 5, "at least 1 item"),
    ("[purchase]", "[buying]", 6, "'purchase'"),
    ("[purchase]", "[purchase, check_in]", 10, "nothing is paid for check_in"),
    ("[purchase]", "[purchase]\n      brand: tea", 7, "unknown brand 'tea'"),
    ("[purchase]", "[purchase]\n      from_time: '10:00'", 4, "go together"),
    ("[purchase]", "[purchase]\n      from_time: '25:00'", 7, "no time HH:MM"),
    ("[purchase]", "[purchase]\n      weekdays: [sun, fri, moon]", 7, "'mon'"),
    ("least_paid_fen: 100", "tiers: [jade]", 11, "unknown tier 'jade'"),
    ("least_paid_fen: 100", "ordinal: {period: fortnight, nth: 2}", 11, "'day', 'week'"),
    ("least_paid_fen: 100", "ordinal: {period: week, nth: 0}", 11, "greater than or equal to 1"),
    ("least_paid_fen: 100", "mission: step", 11, "unknown mission 'step'"),
    ("least_paid_fen: 100", "birthday: {window: year}", 11, "'month' or 'day'"),
    ("least_paid_fen: 100", "birthday: {days_before: 1}", 11, "window"),
    ("least_paid_fen: 100", "birthday: {window: month, days_after: 1}", 11, "go with window: day"),
    ("least_paid_fen: 100", "birthday: {window: day, days_after: 181}", 11, "equal to 180"),
    ("least_paid_fen: 100", "birthday: {window: day, days_before: -1}", 11, "equal to 0"),
    ("rule: double", "rule: base", 2, "'base' is the name of the base rate"),
    ("approved_by: Somebody", "approved_by: ''", 13, "at least 1 character"),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), MISTAKES)
def test_a_spoiled_rule_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = write(rules, RULE.replace(old, new, 1))
    must_refuse(rules, path, line, reason)


def test_two_rules_of_one_name_are_refused(rules: Path) -> None:
    write(rules, RULE + RULE.removeprefix("bonus_rules:\n"))
    with pytest.raises(Problem, match="'double' is described twice"):
        load_rule_books(rules, PROJECT)


CAMPAIGN_MISTAKES = [
    ("campaign: eleven\n    scope", "campaign: twelve\n    scope", 10, "unknown campaign 'twelve'"),
    ("points_per_day: 500, awards_in_all: 9", "", 5, "caps nothing; say at least one cap, or null"),
    ("points_per_day: 500", "points_per_week: 500", 5, "unknown here"),
    ("points_per_day: 500", "points_per_day: 0", 5, "greater than or equal to 1"),
    ("awards_in_all: 9", "awards_in_all: 1.5", 5, "integer"),
    ("2026-11-12", "2026-11-01", 4, "must come after"),
    ("campaign_name: 双十一\n    ", "", 2, "campaign_name"),
]


@pytest.mark.parametrize(("old", "new", "line", "reason"), CAMPAIGN_MISTAKES)
def test_a_spoiled_campaign_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    text = CAMPAIGN + SHARING
    assert old in text
    path = write(rules, text.replace(old, new, 1))
    must_refuse(rules, path, line, reason)


def test_two_campaigns_of_one_name_are_refused(rules: Path) -> None:
    path = write(rules, CAMPAIGN + CAMPAIGN.removeprefix("campaigns:\n") + SHARING)
    must_refuse(rules, path, 7, "'eleven' is described twice")


def test_caps_of_a_campaign_become_a_row_for_each_rule_that_shares_them(rules: Path) -> None:
    other = SHARING.removeprefix("bonus_rules:\n").replace("double", "also")
    alone = RULE.removeprefix("bonus_rules:\n").replace("double", "alone")
    rows = compiled(rules, CAMPAIGN + SHARING + other + alone, "campaign_caps")
    days = (date(2026, 11, 1), date(2026, 11, 12))  # null ends them
    assert [
        (row["campaign"], row["rule"], row["valid_from_date"], row["valid_until_date"])
        for row in rows
    ] == [("eleven", "also", *days), ("eleven", "double", *days)]
    said = {name: most for name, most in rows[0].items() if isinstance(most, int)}
    assert said == {"points_per_day": 500, "awards_in_all": 9}
    versions = compiled(rules, CAMPAIGN + SHARING, "rule_versions")
    [version] = [row for row in versions if row["rule_id"] == "campaign/eleven/2026-11-01"]
    assert (version["rule_name"], version["source"]) == ("双十一", "Sheet")


def override(name: str, where: str, percent: int = 200) -> str:
    return (
        f"  - {{override: {name}, business: mall, {where}, points_multiplier_percent:"
        f" [{{from: 2026-01-01, value: {percent}, {SOURCE}}}]}}\n"
    )


@pytest.mark.parametrize(
    ("overrides", "reason"),
    [
        (override("a", "brand: tea, merchants: [m1]"), "say one of brand, merchants"),
        (override("a", "brand: coffee"), "unknown brand 'coffee'"),
        (
            override("a", "merchants: [m1]") + override("b", "merchants: [m2, m1]"),
            "merchant 'm1' has a base rate by 'a' already",
        ),
        (override("a", "brand: tea").replace("mall", "hotel"), "brand 'tea' belongs to mall"),
    ],
)
def test_overrides_that_contradict_each_other_are_refused(
    rules: Path, overrides: str, reason: str
) -> None:
    write(rules, BRAND + "overrides:\n" + overrides)
    with pytest.raises(Problem, match=reason):
        load_rule_books(rules, PROJECT)


def test_a_merchants_own_rate_lies_closer_than_its_brands(rules: Path) -> None:
    overrides = override("brand_rate", "brand: tea") + override("own", "merchants: [m1]", 300)
    rows = compiled(rules, BRAND + "overrides:\n" + overrides, "earning_overrides")
    found = {(row["merchant_id"], row["layer"]): row["multiplier_percent"] for row in rows}
    assert found == {("m1", 3): 200, ("m2", 3): 200, ("m1", 4): 300}
    assert {row["rule_id"] for row in rows} == {
        "override/brand_rate/2026-01-01",
        "override/own/2026-01-01",
    }


def test_a_rule_becomes_one_row_for_each_business_and_activity_type(rules: Path) -> None:
    text = RULE.replace("[mall]", "[outlet, mall]").replace("[purchase]", "[stay, purchase]")
    rows = compiled(rules, text, "bonus_rules")
    assert [(row["business"], row["activity_type"]) for row in rows] == [
        ("mall", "purchase"),
        ("mall", "stay"),
        ("outlet", "purchase"),
        ("outlet", "stay"),
    ]
    assert {row["rule_id"] for row in rows} == {"bonus/double/2026-01-01"}


def test_scope_and_conditions_become_columns(rules: Path) -> None:
    scope = "[purchase]\n      brand: tea\n      weekdays: [sun, fri]\n      channels: [web, app]"
    scope += "\n      from_time: '22:00'\n      until_time: '02:30'"
    text = BRAND + RULE.replace("[purchase]", scope).replace(
        "least_paid_fen: 100",
        "tiers: [silver, gold], ordinal: {period: week, nth: 3, and_later: true}",
    )
    [row] = compiled(rules, text, "bonus_rules")
    expected = {
        "merchants": "|m1|m2|",
        "channels": "|app|web|",
        "categories": None,
        "weekdays": "|5|7|",
        "from_minute": 1320,
        "until_minute": 150,
        "tiers": "|gold|silver|",
        "ordinal_period": "week",
        "ordinal_from": 3,
        "ordinal_until": None,
        "percent_of_base": 100,
        "points": None,
        "only_best_of": None,
        "rank": 0,
    }
    assert {name: row[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("birthday", "expected"),
    [
        ("{window: month}", ("month", None, None)),
        ("{window: day}", ("day", 0, 0)),
        ("{window: day, days_before: 180, days_after: 7}", ("day", 180, 7)),
    ],
)
def test_a_birthday_and_caps_of_a_year_become_columns(
    rules: Path, birthday: str, expected: tuple[object, ...]
) -> None:
    text = RULE.replace("least_paid_fen: 100", f"birthday: {birthday}").replace(
        "          when:",
        "          caps: {points_per_year: 500, awards_per_year: 1}\n          when:",
    )
    [row] = compiled(rules, text, "bonus_rules")
    names = ("birthday_window", "birthday_days_before", "birthday_days_after")
    assert tuple(row[name] for name in names) == expected
    assert (row["points_per_year"], row["awards_per_year"]) == (500, 1)


def test_null_ends_a_rule_and_new_terms_follow_the_old_ones(rules: Path) -> None:
    later = f"""      - {{from: 2026-03-01, value: null, {SOURCE}}}
      - {{from: 2026-05-01, value: {{award: {{points: 5}}}}, {SOURCE}}}
"""
    rows = compiled(rules, RULE + later, "bonus_rules")
    assert [(r["valid_from_date"], r["valid_until_date"], r["points"]) for r in rows] == [
        (date(2026, 1, 1), date(2026, 3, 1), None),
        (date(2026, 5, 1), None, 5),
    ]


def test_clocks_are_ahead_of_utc_by_the_offset_of_their_zone_and_season(rules: Path) -> None:
    path = rules / "businesses" / "hotel.yml"
    path.write_text(path.read_text("utf-8").replace("Asia/Shanghai", "Europe/Berlin"), "utf-8")
    rows = compile_rules(load_rule_books(rules, PROJECT))["zone_offsets"].to_pylist()
    hotel = [row for row in rows if row["business"] == "hotel"]
    of_2026 = [row for row in hotel if row["valid_from_date"].year == 2026]
    assert [(row["valid_from_date"], row["offset_minutes"]) for row in of_2026] == [
        (date(2026, 3, 29), 120),
        (date(2026, 10, 25), 60),
    ]
    [mall] = [row for row in rows if row["business"] == "mall"]
    assert (mall["offset_minutes"], mall["valid_until_date"]) == (480, None)
