"""Which night of a range of dates comes next: each night builds on the night before."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from dags.runner import Trouble
from dags.status import latest

ONE_DAY = timedelta(days=1)
NIGHTS_AT_MOST = 1000  # more is a slip of the pen, such as a wrong year


@dataclass(frozen=True)
class Next:
    """The business date whose night is next, and whether it is the last one of its range."""

    night: date
    is_last: bool


def next_night(lake: Path, first: str, last: str, ended: date) -> Next | None:
    """The first night of a range that is not published yet, None if all are; Trouble if the range
    cannot be run.

    `first` and `last` are YYYY-MM-DD, both inclusive; `ended` is the last business date that is
    over.
    """
    begin, end = _date("from_date", first), _date("to_date", last)
    if begin > end:
        raise Trouble(f"from_date {begin} is after to_date {end}; change one of them")
    if end > ended:
        raise Trouble(f"to_date {end} is not over yet; the last business date that is: {ended}")
    if (end - begin).days >= NIGHTS_AT_MOST:
        raise Trouble(
            f"{begin} to {end} are more than {NIGHTS_AT_MOST} nights; give a shorter range"
        )
    version = latest(lake)  # also where readers were sent back to an earlier one
    if version is None:
        return Next(begin, begin == end)
    follows = date.fromisoformat(version["business_date"]) + ONE_DAY
    if begin > follows:
        raise Trouble(
            f"from_date {begin} leaves out nights: {lake} is published up to {follows - ONE_DAY}; "
            f"begin with {follows}"
        )
    return Next(follows, follows == end) if follows <= end else None


def _date(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
        if day.isoformat() == text:
            return day
    except ValueError:
        pass
    raise Trouble(f"{name} {text} is no date; write it as 2026-03-31")
