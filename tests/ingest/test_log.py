"""Log lines: text for people, JSON for what collects them."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from ingest.core.errors import Problem
from ingest.core.settings import PROJECT, load_settings

SAY = """
from ingest.core.log import start_log, step_log
start_log()
step_log("load").warning("%d rows\\nrefused", 3)
"""


def said(lake: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SAY], cwd=PROJECT, env={"LAKE_ROOT": str(lake), **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr


def test_a_person_reads_the_message_alone(tmp_path: Path) -> None:
    assert said(tmp_path) == "3 rows\nrefused\n"


def test_a_program_reads_one_object_a_line_with_run_step_and_source(tmp_path: Path) -> None:
    text = said(tmp_path, LOG_FORMAT="json", RUN="2026-03-31", STEP="load_pos")
    [line] = text.splitlines()
    told = json.loads(line)
    assert datetime.fromisoformat(told.pop("at")).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
    assert told == {
        "level": "warning",
        "run": "2026-03-31",
        "step": "load_pos",
        "source": "pos",
        "message": "3 rows\nrefused",
    }


def test_a_step_that_loads_nothing_has_no_source(tmp_path: Path) -> None:
    assert "source" not in json.loads(said(tmp_path, LOG_FORMAT="json", STEP="publish"))


def test_an_unknown_form_of_logs_and_odd_hours_are_refused() -> None:
    with pytest.raises(Problem, match="LOG_FORMAT 'xml' is unknown; it is text or json"):
        load_settings({"LOG_FORMAT": "xml"})
    with pytest.raises(Problem, match="ALARM_HOURS 'often' is no number of hours"):
        load_settings({"ALARM_HOURS": "often"})
