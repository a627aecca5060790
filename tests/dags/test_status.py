"""Where a lake stands, and whether a business date is published."""

import json
from datetime import date
from pathlib import Path

import pytest

from dags.pipeline import nightly
from dags.runner import Trouble, run_lock
from dags.status import report_status, status_of
from tests.dags.small_lake import small_lake

LAST_NIGHT = date(2026, 3, 30)


def published(lake: Path, version: str = "v1") -> Path:
    manifest = lake / "published" / "v1" / "manifest.json"
    manifest.write_text(json.dumps({"business_date": LAST_NIGHT.isoformat(), "version": version}))
    return lake


def test_a_new_lake_has_nothing_published_nothing_in_work_and_nobody_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report_status(tmp_path / "lake", None, is_json=False) == 0
    assert capsys.readouterr().out.splitlines() == [
        "published  nothing yet", "work       nothing", "running    nobody"
    ]  # fmt: skip
    assert not (tmp_path / "lake").exists()


def test_a_business_date_is_late_until_it_or_a_later_one_is_published(tmp_path: Path) -> None:
    lake = published(small_lake(tmp_path))
    assert report_status(lake, date(2026, 3, 29), is_json=False) == 0
    assert report_status(lake, LAST_NIGHT, is_json=False) == 0
    with pytest.raises(Trouble, match="2026-03-31 is not published; the last one is 2026-03-30"):
        report_status(lake, date(2026, 3, 31), is_json=False)


def test_a_begun_night_says_which_of_its_steps_are_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = published(small_lake(tmp_path))
    with run_lock(lake) as lock:
        lock.remember("2026-03-31", ["open", "load_rules"])
    status = status_of(lake)
    assert status.steps_done == ("open", "load_rules")
    assert {*status.steps_left} == {step.name for step in nightly()} - {"open", "load_rules"}
    report_status(lake, None, is_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["work_date"], said["is_late"]) == ("2026-03-31", False)


def test_a_damaged_publication_is_one_line(tmp_path: Path) -> None:
    lake = small_lake(tmp_path)
    (lake / "published" / "v1" / "manifest.json").write_text("{")
    with pytest.raises(Trouble, match="is damaged"):
        status_of(lake)
