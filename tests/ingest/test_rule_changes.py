"""What a rule book changes is said value by value, with the date from which it holds."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.__main__ import main
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.rules.books import load_rule_books
from ingest.rules.changes import RuleChange, rule_changes
from ingest.rules.compile import compile_rules, write_rules

PROJECT = load_settings().dbt_project
SOURCE = "source: Sheet, approved_by: Somebody"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the rule books in which the mall's points double from March on."""
    copy = tmp_path / "rules"
    shutil.copytree(PROJECT / "rules", copy)
    path = copy / "businesses" / "mall.yml"
    text = path.read_text(encoding="utf-8")
    later = f"value: 100, {SOURCE}}}\n  - {{from: 2026-03-01, value: 200,"
    path.write_text(text.replace("value: 100,", later, 1), encoding="utf-8")
    return copy


def test_a_new_value_is_a_change_from_its_date_on_and_ends_the_one_before(rules: Path) -> None:
    before = compile_rules(load_rule_books(PROJECT / "rules", PROJECT))
    changes = list(rule_changes(before, compile_rules(load_rule_books(rules, PROJECT))))
    march = date(2026, 3, 1)
    assert RuleChange("earning", "mall", march, "multiplier_percent", None, 200) in changes
    ended = RuleChange("earning", "mall", date(2024, 1, 1), "valid_until_date", None, march)
    assert ended in changes
    assert {change.table for change in changes} == {"earning"}
    assert {change.about for change in changes} == {"mall"}


def test_the_same_books_change_nothing_and_an_older_set_shows_the_way_back(rules: Path) -> None:
    new = compile_rules(load_rule_books(rules, PROJECT))
    assert list(rule_changes(new, new)) == []
    old = compile_rules(load_rule_books(PROJECT / "rules", PROJECT))
    there, back = list(rule_changes(old, new)), list(rule_changes(new, old))
    assert [(c.field, c.before, c.after) for c in there] == [
        (c.field, c.after, c.before) for c in back
    ]


def test_a_birthday_that_a_rule_begins_to_ask_for_is_said_with_its_window(rules: Path) -> None:
    before = compile_rules(load_rule_books(rules, PROJECT))
    book = rules / "programme" / "earning.yml"
    old = "when: {ordinal: {period: ever, nth: 1}}"
    text = book.read_text(encoding="utf-8")
    assert old in text
    new = "when: {birthday: {window: day, days_before: 3}}, caps: {awards_per_year: 1}"
    book.write_text(text.replace(old, new), encoding="utf-8")
    after = compile_rules(load_rule_books(rules, PROJECT))
    changed = {
        change.field: (change.before, change.after) for change in rule_changes(before, after)
    }
    assert changed == {
        "ordinal_period": ("ever", None),
        "ordinal_from": (1, None),
        "ordinal_until": (1, None),
        "birthday_window": (None, "day"),
        "birthday_days_before": (None, 3),
        "birthday_days_after": (None, 0),
        "awards_per_year": (None, 1),
    }


def test_the_command_compares_with_the_last_night_or_another_folder(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    night = compile_rules(load_rule_books(PROJECT / "rules", PROJECT))
    write_rules(Lake(tmp_path / "lake"), date(2026, 2, 1), night)
    assert main(["rules", "--changes"]) == 0
    assert "规则无变更" in capsys.readouterr().out
    assert main(["rules", "--changes", "--against", str(rules)]) == 0
    shown = capsys.readouterr().out
    assert "multiplier_percent" in shown
    assert "2026-03-01" in shown
    monkeypatch.setenv("RULES_DIR", str(rules))
    assert main(["rules", "--changes"]) == 0
    assert "multiplier_percent" in capsys.readouterr().out


def test_a_change_takes_effect_when_its_value_begins_or_the_earlier_of_two_ends() -> None:
    january, march, april = date(2026, 1, 1), date(2026, 3, 1), date(2026, 4, 1)
    assert RuleChange("earning", "mall", march, "multiplier_percent", 1, 2).effect_date == march
    assert RuleChange("fund", "fund", None, "party_name", "a", "b").effect_date is None
    for before, after in ((None, march), (march, None), (march, april), (april, march)):
        ended = RuleChange("earning", "mall", january, "valid_until_date", before, after)
        assert ended.effect_date == march


def test_the_changes_are_written_for_programs_as_text(
    rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("RULES_DIR", str(rules))
    file = tmp_path / "changes.parquet"
    against = ["--changes", "--against", str(PROJECT / "rules")]
    assert main(["rules", *against, "--write", str(file)]) == 0
    assert capsys.readouterr().out == ""
    written = pq.read_table(file).to_pylist()
    assert {
        "table": "earning",
        "about": "mall",
        "effect_date": "2026-03-01",
        "from_date": "2026-03-01",
        "field": "multiplier_percent",
        "before": None,
        "after": "200",
    } in written
    assert {row["effect_date"] for row in written} == {"2026-03-01"}
