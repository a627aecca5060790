"""Months as periods of statements: written YYYY-MM, held as their first day."""

import re
from calendar import monthrange
from datetime import date

from ingest.core.errors import Problem


def first_day(period: str) -> date:
    """First day of a month written YYYY-MM; Problem if it is not one."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}", period):
            return date.fromisoformat(f"{period}-01")
    except ValueError:
        pass
    raise Problem(f"'{period}' is not a month; write the period as YYYY-MM, e.g. 2026-10")


def last_day(month: date) -> date:
    """Last day of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def month_text(month: date) -> str:
    """A month as people write it: 2026-11."""
    return f"{month:%Y-%m}"
