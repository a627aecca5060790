"""A night past the hour at which readers expect it: Airflow itself tells people."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from benchmarks.served import served
from dags.pipeline import TIME_ZONE
from tests.dags.test_backfill import command, free_port, wait_until
from tests.exports.test_alarms import listening


@pytest.mark.long
def test_the_deadline_of_a_night_that_is_still_at_work_is_told_to_people(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, keys = tmp_path / "lake", tmp_path / "keys.json"
    command(lake, "ingest", "keys")
    now = datetime.now(ZoneInfo(TIME_ZONE))
    begun = now - timedelta(days=2)  # so that the deadline has passed already
    today = now.date().isoformat()  # its deliveries are waited for until tomorrow
    with listening() as (url, came):
        (tmp_path / "urls").write_text(f"{url}\n")
        monkeypatch.setenv("ALARM_URLS_FILE", str(tmp_path / "urls"))
        with served(home, lake, keys, free_port()) as airflow:
            airflow.switch_on("nightly")
            airflow.trigger("nightly", "late", {"business_date": today}, begun)
            wait_until(lambda: [alarm for alarm in came if "nightly, late" in alarm["message"]])
    [alarm] = [alarm for alarm in came if "nightly, late" in alarm["message"]]
    assert "nightly, late: not done at" in alarm["message"]
