"""Dates as people write them on a command line."""

import re
from datetime import date, datetime

from ingest.core.errors import Problem

WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_date(text: str, option: str = "--date") -> date:
    """A date written YYYY-MM-DD, as folders write it; Problem otherwise, naming the option."""
    try:
        if WRITTEN.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem(f"{option} '{text}' is not a date; write it as YYYY-MM-DD, e.g. 2026-10-29")


def parse_time(text: str, option: str = "--at") -> datetime:
    """A time with its zone, as 2026-10-30T05:10+08:00; Problem otherwise, naming the option."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Problem(
            f"{option} '{text}' is no time with a zone; write it as 2026-10-30T05:10+08:00"
        )
    return time
