"""Words of the rule book of tiers: what qualifies, how much of it a tier asks for, in which window.

A metric is a number that grows with activities: each feed says what one unit of some activities
adds. A condition is a list of ways, one of which is enough; of a way everything must hold.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from ingest.core.documents import Name, Text, Written
from ingest.rules.businesses import Business
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Months,
    Positive,
    Row,
    WholeTimeline,
    periods,
)

MAIN_METRIC = "growth"  # growth_threshold asks for it, and marts show it as growth_value
ORDERS = ("purchase", "stay", "fee_payment", "parking_session")
TAKING_BACK = {"refund", "points_redemption", "points_return"}
CYCLE_START = r"^(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])$"
MONEY = ("growth_percent", "paid_10000_fen")  # units of which something may be pending
Unit = Literal["growth_percent", "paid_10000_fen", "activity", "visit_day", "quantity"]

FEED_COLUMNS: Columns = {
    "metric": "text",
    "feed_number": "whole",
    "unit": "text",
    "is_pending_counted": "flag",
    "business": "text",
    "activity_type": "text",
    "value": "whole",
    **VALID,
}


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Feed(Written):
    """What one unit adds to a metric: ¥100 paid, an activity, a day with one, a night (quantity).

    Unit growth_percent is ¥100 paid at the business's own value; the others say theirs.
    """

    unit: Unit
    businesses: Annotated[list[Name], Field(min_length=1)] | None = None
    activity_types: list[Name] = Field(default_factory=lambda: list(ORDERS), min_length=1)
    value: WholeTimeline | None = None
    pending_counts: Literal[True] | None = None  # money whose points are pending, at once


class Metric(Written):
    """One number by which tiers are reached and kept."""

    metric: Name
    metric_name: Text
    feeds: list[Feed]


class Line(Written):
    """So much of one metric."""

    metric: Name
    at_least: Positive


def _enough_lines(some: "SomeOf") -> "SomeOf":
    if some.n > len(some.of):
        raise ValueError(f"n is {some.n}, but there are {len(some.of)} to choose from")
    return some


class SomeOf(Written):
    """At least n of several lines."""

    n: Positive
    of: Annotated[list[Line], Field(min_length=1)]


def _says_something(way: "Way") -> "Way":
    if not list(way.groups()):
        raise ValueError("needs any_of, all_of or at_least_n_of")
    for group in way.groups():
        names = [line.metric for line in group.lines]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"'{name}' is asked for twice in {group.where[0]}")
    return way


Lines = Annotated[list[Line], Field(min_length=1)]


class Group(NamedTuple):
    """Lines of which so many must hold; `where` says where they are written."""

    where: tuple[str, ...]
    needed: int
    lines: list[Line]


class Way(Written):
    """One way to reach or keep a tier; everything that is written must hold."""

    any_of: Lines | None = None
    all_of: Lines | None = None
    at_least_n_of: Annotated[SomeOf, AfterValidator(_enough_lines)] | None = None

    def groups(self) -> Iterator[Group]:
        """What must hold, in the order of the words above."""
        if self.any_of:
            yield Group(("any_of",), 1, self.any_of)
        if self.all_of:
            yield Group(("all_of",), len(self.all_of), self.all_of)
        if self.at_least_n_of:
            yield Group(("at_least_n_of", "of"), self.at_least_n_of.n, self.at_least_n_of.of)


Condition = Annotated[
    list[Annotated[Way, AfterValidator(_says_something)]],
    BeforeValidator(_as_list),
    Field(min_length=1),
]
ConditionTimeline = Annotated[list[Dated[Condition]], *ONE_OR_MORE]


def _whole_window(window: "Window") -> "Window":
    written = {name for name in ("days", "months", "start") if getattr(window, name) is not None}
    needed = {"rolling_days": {"days"}, "rolling_months": {"months"}, "cycle": {"start", "months"}}
    if written != needed.get(window.kind, set()):
        wanted = " and ".join(sorted(needed.get(window.kind, set()))) or "nothing"
        raise ValueError(f"window {window.kind} needs {wanted} besides its kind")
    if window.kind == "cycle" and 12 % (window.months or 1) > 0:
        raise ValueError(f"a cycle of {window.months} months does not divide a year")
    return window


class Window(Written):
    """The days that count on a day: they end on it, and begin as the kind says.

    rolling_days 365 that ends on 2026-01-31 begins on 2025-02-01; a cycle begins on `start` (MM-DD)
    and every `months` after it; membership_anniversary begins on the day of the member's first
    activity that counts, every year.
    """

    kind: Literal[
        "calendar_year", "rolling_days", "rolling_months", "membership_anniversary", "cycle"
    ]
    days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    months: Months | None = None
    start: Annotated[str, Field(pattern=CYCLE_START)] | None = None


WindowTimeline = Annotated[
    list[Dated[Annotated[Window, AfterValidator(_whole_window)]]], *ONE_OR_MORE
]


def window_columns(window: Window) -> Row:
    """A window as the rule table has it; a calendar year is a cycle that begins on 1 January."""
    if window.kind in {"rolling_days", "rolling_months"}:
        length = window.days or window.months
        return {"window_kind": window.kind, "window_length": length}
    if window.kind == "membership_anniversary":
        return {"window_kind": window.kind, "window_length": 12}
    start = window.start or "01-01"
    return {
        "window_kind": "cycle",
        "window_length": window.months or 12,
        "cycle_start_month": int(start[:2]),
        "cycle_start_day": int(start[3:]),
    }


def condition_lines(condition: Sequence[Way]) -> list[Row]:
    """Lines of a condition, ways and groups numbered from 1."""
    rows: list[Row] = []
    group_number = 0
    for way_number, way in enumerate(condition, 1):
        for group in way.groups():
            group_number += 1
            numbers = {"way_number": way_number, "group_number": group_number}
            rows += [
                {**numbers, "needed_count": group.needed, **line.model_dump()}
                for line in group.lines
            ]
    return rows


def feed_rows(metrics: Sequence[Metric], books: Sequence[Business]) -> list[Row]:
    """The table `tier_feeds`: what a unit is worth, by metric, business, type of activity, date."""
    rows: list[Row] = []
    for metric in metrics:
        for number, feed in enumerate(metric.feeds, 1):
            for book in books:
                if feed.businesses is not None and book.business not in feed.businesses:
                    continue
                is_own = feed.unit == "growth_percent"
                keys = {
                    "metric": metric.metric,
                    "feed_number": number,
                    "unit": "paid_10000_fen" if is_own else feed.unit,
                    "is_pending_counted": bool(feed.pending_counts),
                    "business": book.business,
                }
                values = book.growth_percent if feed.value is None else feed.value
                for activity_type in sorted(set(feed.activity_types)):
                    rows += [
                        {**keys, "activity_type": activity_type, **period}
                        for period in periods(value=values)
                    ]
    return rows
