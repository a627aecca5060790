"""The closing summary of a run, for people and for programs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from exports.summary import print_summary
from ingest.core.errors import Problem
from ingest.core.settings import load_settings
from tests.exports.small_publication import publish_small


def test_programs_read_what_a_night_did_in_whole_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = publish_small(tmp_path)
    lake = settings.lake
    print_summary(settings, is_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "nights": [
            {
                "night": "2026-01-15",
                "rows_read": 105,
                "rows_refused": 2,
                "awarded_points": 4000,
                "redeemed_points": 6000,
                "taken_back_points": 0,
                "expired_points": 0,
                "settled_fen": 8800,
            }
        ],
        "member_count": 2,
        "settlement_fen": 0,
        "violation_count": 0,
        "marts": str(lake / "published" / "current" / "marts.duckdb"),
        "statements": str(lake / "outbox" / "statements"),
        "report": str(lake / "outbox" / "report" / "2026-01-15" / "run_report.html"),
    }


def test_people_read_a_line_a_night_in_yuan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_summary(publish_small(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    [night] = [line.split() for line in lines if line.strip().startswith("2026-01-15")]
    assert night == ["2026-01-15", "105", "2", "4,000", "6,000", "0", "0", "88.00"]
    assert "  2 members; settlement over all parties 0 fen; 0 invariants broken" in lines


def test_before_anything_is_published_a_problem_says_so(tmp_path: Path) -> None:
    settings = replace(load_settings(), lake=tmp_path)
    with pytest.raises(Problem, match="nothing was published"):
        print_summary(settings, is_json=True)
