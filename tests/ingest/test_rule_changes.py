"""What rule books change is said value by value, with the days on which it is other than before."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.__main__ import main
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.rules.books import load_rule_books
from ingest.rules.changes import RuleChange, change_table, rule_changes
from ingest.rules.compile import compile_rules, write_rules
from tests.ingest.rule_books import PROJECT

SAID = "source: Sheet, approved_by: Somebody"
MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
MULTIPLIER = ("businesses/mall.yml", "points_multiplier_percent")
SHEET = ("Sheet", "Somebody")
CHARTER = ("Programme charter 2024 §3.1", "Group membership committee")


def dated(day: date, value: str) -> str:
    return f"  - {{from: {day}, value: {value}, {SAID}}}\n"


def written(rules: Path, book: str, old: str, new: str) -> dict[str, pa.Table]:
    """The books compiled, one place of one of them written anew."""
    path = rules / book
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return compile_rules(load_rule_books(rules, PROJECT))


def with_multipliers(rules: Path, *later: str) -> dict[str, pa.Table]:
    """The mall's multiplier with values after that of 2024."""
    end = "\nrefund_policy:"
    return written(rules, MULTIPLIER[0], end, "".join(later) + end)


@pytest.fixture(scope="module")
def before() -> dict[str, pa.Table]:
    return compile_rules(load_rule_books(PROJECT / "rules", PROJECT))


def test_a_later_value_changes_its_own_place_from_its_date_on_and_nothing_else(
    before: dict[str, pa.Table], rules: Path
) -> None:
    after = with_multipliers(rules, dated(MARCH, "200"))
    change = RuleChange(*MULTIPLIER, MARCH, None, "100", "200", *SHEET)
    assert list(rule_changes(before, after)) == [change]
    back = RuleChange(*MULTIPLIER, MARCH, None, "200", "100", *CHARTER)
    assert list(rule_changes(after, before)) == [back]


def test_a_value_that_returns_to_what_it_was_changes_only_the_days_between(
    before: dict[str, pa.Table], rules: Path
) -> None:
    after = with_multipliers(rules, dated(MARCH, "200"), dated(APRIL, "100"))
    change = RuleChange(*MULTIPLIER, MARCH, APRIL, "100", "200", *SHEET)
    assert list(rule_changes(before, after)) == [change]


def test_a_value_that_repeats_the_one_before_is_named_as_changing_nothing(
    before: dict[str, pa.Table], rules: Path
) -> None:
    after = with_multipliers(rules, dated(MARCH, "200"), dated(APRIL, "200"), dated(MAY, "100"))
    change = RuleChange(*MULTIPLIER, MARCH, MAY, "100", "200", *SHEET)
    repeated = RuleChange(*MULTIPLIER, APRIL, None, "200", "200", *SHEET)
    assert list(rule_changes(before, after)) == [change, repeated]
    assert (change.is_effective, repeated.is_effective) == (True, False)
    assert change_table([change, repeated]).num_rows == 1


def test_another_source_of_the_same_value_is_named_as_changing_nothing(
    before: dict[str, pa.Table], rules: Path
) -> None:
    after = written(rules, MULTIPLIER[0], "2024 §3.1", "2024 §3.1a")
    said = ("Programme charter 2024 §3.1a", CHARTER[1])
    same = RuleChange(*MULTIPLIER, date(2024, 1, 1), None, "100", "100", *said)
    assert list(rule_changes(before, after)) == [same]


def test_of_terms_only_the_words_that_differ_are_said(
    before: dict[str, pa.Table], rules: Path
) -> None:
    book = "programme/earning.yml"
    rule = "bonus_rules[second_purchase_this_week].terms"
    terms = "{award: {percent_of_base: 100}, when: {ordinal: {period: week, nth: 2}}, caps: {C}}"
    later = terms.replace("C", "points_per_month: 6000, awards_per_day: 1")
    end = "        approved_by: Mall marketing\n"
    indented = "    " + dated(MARCH.replace(year=2027), later)
    after = written(rules, book, end, end + indented)
    change = RuleChange(book, rule, MARCH.replace(year=2027), None, None, None, *SHEET)
    assert list(rule_changes(before, after)) == [
        replace(change, path=f"{rule}.caps.awards_per_day", after="1"),
        replace(change, path=f"{rule}.caps.points_per_month", before="5000", after="6000"),
    ]
    (ended,) = rule_changes(before, written(rules, book, later, "null"))
    assert (ended.path, ended.effect_date, ended.after) == (rule, change.effect_date, None)
    assert str(ended.before).startswith('{"award": {"percent_of_base": 100}')


def test_a_birthday_that_a_rule_begins_to_ask_for_is_said_with_its_window(
    before: dict[str, pa.Table], rules: Path
) -> None:
    book = "programme/earning.yml"
    rule = "bonus_rules[hotel_first_stay].terms"
    old = "when: {ordinal: {period: ever, nth: 1}}"
    new = "when: {birthday: {window: day, days_before: 3}}, caps: {awards_per_year: 1}"
    changes = rule_changes(before, written(rules, book, old, new))
    assert {change.path: (change.before, change.after) for change in changes} == {
        f"{rule}.caps.awards_per_year": (None, "1"),
        f"{rule}.when.birthday.days_before": (None, "3"),
        f"{rule}.when.birthday.window": (None, "day"),
        f"{rule}.when.ordinal.nth": ("1", None),
        f"{rule}.when.ordinal.period": ("ever", None),
    }


def test_a_tier_between_two_is_new_from_its_date_and_its_neighbours_stay(
    before: dict[str, pa.Table], rules: Path
) -> None:
    book = "programme/tiers.yml"
    tier = (
        "  - tier: jade\n    tier_name: 翡翠\n"
        f"    growth_threshold: [{{from: 2027-01-01, value: 10000, {SAID}}}]\n"
        f"    points_multiplier_percent: [{{from: 2027-01-01, value: 130, {SAID}}}]\n"
    )
    after = written(rules, book, "  - tier: gold", tier + "  - tier: gold")
    day = date(2027, 1, 1)
    assert list(rule_changes(before, after)) == [
        RuleChange(book, "tiers[jade].growth_threshold", day, None, None, "10000", *SHEET),
        RuleChange(book, "tiers[jade].points_multiplier_percent", day, None, None, "130", *SHEET),
        RuleChange(book, "tiers[jade].tier", day, None, None, "jade"),
        RuleChange(book, "tiers[jade].tier_name", day, None, None, "翡翠"),
    ]


def test_what_has_no_dates_changes_every_day(before: dict[str, pa.Table], rules: Path) -> None:
    after = written(rules, MULTIPLIER[0], "business_name: 购物中心", "business_name: 商场")
    named = RuleChange(MULTIPLIER[0], "business_name", None, None, "购物中心", "商场")
    assert list(rule_changes(before, after)) == [named]


def test_the_same_books_change_nothing_and_without_a_night_before_every_value_is_new(
    before: dict[str, pa.Table],
) -> None:
    assert list(rule_changes(before, before)) == []
    changes = list(rule_changes({}, before))
    assert {change.before for change in changes} == {None}
    assert len(changes) >= before["rule_values"].num_rows > 100


def test_the_command_compares_with_the_last_night_or_another_folder(
    rules: Path,
    before: dict[str, pa.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    write_rules(Lake(tmp_path / "lake"), MARCH, before)
    assert main(["rules", "--changes"]) == 0
    assert "规则无变更" in capsys.readouterr().out
    with_multipliers(rules, dated(APRIL, "100"))
    assert main(["rules", "--changes", "--against", str(rules)]) == 0
    monkeypatch.setenv("RULES_DIR", str(rules))
    capsys.readouterr()
    assert main(["rules", "--changes"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "2026-04-01" in line]
    told = [cell.strip() for cell in line.strip("│").split("│")]
    assert told == [*MULTIPLIER, "2026-04-01", "", "100", "不变 changes nothing", *SHEET]


def test_a_night_that_kept_no_written_values_cannot_be_compared_with(
    before: dict[str, pa.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    kept = {name: table for name, table in before.items() if name != "rule_values"}
    write_rules(Lake(tmp_path / "lake"), MARCH, kept)
    with pytest.raises(Problem, match="--against DIR"):
        main(["rules", "--changes"])


def test_the_changes_are_written_for_programs_as_text(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("RULES_DIR", str(rules))
    with_multipliers(rules, dated(MARCH, "200"), dated(APRIL, "200"))
    file = tmp_path / "changes.parquet"
    against = ["--changes", "--against", str(PROJECT / "rules")]
    assert main(["rules", *against, "--write", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert pq.read_table(file).to_pylist() == [
        {
            "book": "businesses/mall.yml",
            "path": "points_multiplier_percent",
            "effect_date": "2026-03-01",
            "until_date": None,
            "before": "100",
            "after": "200",
            "source": "Sheet",
            "approved_by": "Somebody",
        }
    ]
