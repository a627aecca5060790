import re
from datetime import UTC, date, datetime

import pytest

from ingest.core.dates import parse_date, parse_time
from ingest.core.errors import Problem


def test_a_date_is_read_as_folders_write_it() -> None:
    assert parse_date("2026-10-29") == date(2026, 10, 29)


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-02-29", "20261029", "2026-W44-4", "29.10.2026", "", "today"]
)
def test_a_wrong_date_is_one_line(text: str) -> None:
    message = re.escape(f"--from '{text}' is not a date; write it as YYYY-MM-DD")
    with pytest.raises(Problem, match=message):
        parse_date(text, "--from")


def test_a_time_is_read_with_its_zone() -> None:
    assert parse_time("2026-10-30T05:10+08:00") == datetime(2026, 10, 29, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-10-30T05:10", "05:10", "2026-10-30", "now", ""])
def test_a_time_without_a_zone_is_one_line(text: str) -> None:
    message = re.escape(f"--at '{text}' is no time with a zone; write it as 2026-10-30T05:10+08:00")
    with pytest.raises(Problem, match=message):
        parse_time(text)
