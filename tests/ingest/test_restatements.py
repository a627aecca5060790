"""Reopened months: what a night knows of them, and that its run_key does."""

import json
from datetime import date
from pathlib import Path

import pytest

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes, write_new
from ingest.restatements import Restatement, read_restatements, restatement_table
from tests.ingest.rule_books import change, compiled, must_refuse

APPROVED_ON = date(2026, 2, 10)


def approve(lake: Lake, number: int, period: str, version: int, on_date: date) -> None:
    """A step of a close as exports writes it."""
    step = {"step": "approve", "period": period, "version": version, "by": "李强"}
    step |= {"why": "late till", "on_date": f"{on_date}"}
    path = lake.close_steps / period / f"{number:04d}.json"
    write_bytes(path, json.dumps(step).encode())


def test_a_reopening_is_known_from_the_night_after_the_one_that_was_looked_at(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    approve(lake, 6, "2026-01", 1, APPROVED_ON)
    assert read_restatements(lake, APPROVED_ON) == []
    known = read_restatements(lake, date(2026, 2, 11))
    assert known == [Restatement(date(2026, 1, 1), 2, APPROVED_ON, "李强", "late till")]
    [row] = restatement_table(lake, date(2026, 2, 11)).to_pylist()
    assert (row["period_month"], row["version"], row["posted_through_date"]) == (
        date(2026, 1, 1),
        2,
        APPROVED_ON,
    )


def test_other_steps_of_a_close_restate_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for number, step in enumerate(("freeze", "review", "confirm", "close", "reopen"), 1):
        path = lake.close_steps / "2026-01" / f"{number:04d}.json"
        write_bytes(path, json.dumps({"step": step, "period": "2026-01"}).encode())
    assert read_restatements(lake, date(2026, 12, 31)) == []
    assert restatement_table(lake, date(2026, 12, 31)).num_rows == 0


def test_months_and_versions_are_in_order(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    approve(lake, 6, "2026-02", 1, date(2026, 3, 5))
    approve(lake, 12, "2026-01", 2, date(2026, 2, 12))
    approve(lake, 6, "2026-01", 1, APPROVED_ON)
    found = [(each.period_month.month, each.version) for each in read_restatements(lake, date.max)]
    assert found == [(1, 2), (1, 3), (2, 2)]


def test_a_damaged_step_is_one_problem(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    write_bytes(lake.close_steps / "2026-01" / "0001.json", b"{")
    with pytest.raises(Problem, match="is no decision; restore it"):
        read_restatements(lake, APPROVED_ON)


def test_a_new_file_is_never_put_over_another_one(tmp_path: Path) -> None:
    path = tmp_path / "steps" / "0001.json"
    assert write_new(path, b"first")
    assert not write_new(path, b"second")
    assert path.read_bytes() == b"first"
    assert [each.name for each in path.parent.iterdir()] == ["0001.json"]


def test_days_of_grace_compile_to_stretches(rules: Path) -> None:
    path = rules / "programme" / "settlement.yml"
    with path.open("a", encoding="utf-8") as file:
        file.write(
            "  - {from: 2026-11-01, value: 3, source: Agreement 2026, approved_by: Group finance}\n"
        )
    rows = [
        (row["grace_days"], row["valid_from_date"], row["valid_until_date"], row["rule_id"])
        for row in compiled(rules, "close_terms")
    ]
    assert rows == [
        (0, date(2024, 1, 1), date(2026, 11, 1), "close/2024-01-01"),
        (3, date(2026, 11, 1), None, "close/2026-11-01"),
    ]


def test_a_book_without_days_of_grace_has_none(rules: Path) -> None:
    path = rules / "programme" / "settlement.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("close_grace_days:")], encoding="utf-8")
    assert compiled(rules, "close_terms") == []


def test_more_than_twenty_days_of_grace_are_refused(rules: Path) -> None:
    path = rules / "programme" / "settlement.yml"
    line = change(path, "value: 0, source: Clearing", "value: 21, source: Clearing")
    must_refuse(rules, path, line, "less than or equal to 20")
