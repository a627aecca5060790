"""The rule book of points: what an order earns, and how long points last (RULES §2)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from ingest.core.documents import Document, Name, Where, Written
from ingest.rules.businesses import Business
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Months,
    NamesTimeline,
    Positive,
    Row,
    WholeTimeline,
    check_known,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "earning": {
        "business": "text",
        **VALID,
        "points_per_10000_fen": "whole",
        "multiplier_percent": "whole",
        "refund_policy": "text",
        "rule_id": "text",
    },
    "expiry": {
        "model": "text",
        "lot_months": "whole",
        "fixed_month": "whole",
        "fixed_day": "whole",
        "fixed_years_after": "whole",
        "anniversary_years": "whole",
        "idle_months": "whole",
        "round_up_months": "whole",
        "exempt_tiers": "text",
        "reinstatement_days": "whole",
        "renewal_window_days": "whole",
        "renewal_points_per_10000_fen": "whole",
        "renewal_extension_months": "whole",
        **VALID,
        "rule_id": "text",
    },
    "qualifying_activity": {"activity_type": "text", **VALID},
}
PERIODS = {"month_end": 1, "quarter_end": 3, "half_year_end": 6, "year_end": 12}
LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

Days = Annotated[int, Field(ge=0, le=3660)]
Years = Annotated[int, Field(ge=1, le=100)]


class Renewal(Written):
    """A purchase makes points last longer whose last day is at most `window_days` off."""

    window_days: Days
    points_per_10000_fen: Positive
    extension_months: Months


class Options(Written):
    """What goes with any model."""

    exempt_tiers: list[Name] = Field(default_factory=list)
    renewal: Renewal | None = None
    reinstatement_days: Days = 0


class Rounded(Options):
    """A last day that may move to the end of its month, quarter, half-year or year."""

    round_up_to: Literal["month_end", "quarter_end", "half_year_end", "year_end"] | None = None


class Never(Options):
    """Points last for ever."""

    model: Literal["never"]


class Rolling(Rounded):
    """Each lot lasts so many months from the day it was earned."""

    model: Literal["rolling"]
    months: Months


class Fixed(Options):
    """All lots of a year lapse on one day of a later year."""

    model: Literal["fixed"]
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)]
    years_after: Years


class Activity(Rounded):
    """The whole balance lapses so many months after the member's last qualifying activity."""

    model: Literal["activity"]
    idle_months: Months


class Anniversary(Rounded):
    """A lot lapses on the first, second .. anniversary of joining after the day it was earned."""

    model: Literal["anniversary"]
    years: Years


class Dual(Rounded):
    """The earlier of two limits: without activity, and in any case."""

    model: Literal["dual"]
    idle_months: Months
    absolute_months: Months


Expiry = Annotated[
    Never | Rolling | Fixed | Activity | Anniversary | Dual, Field(discriminator="model")
]


class Points(Written):
    """rules/programme/points.yml."""

    points_per_10000_fen: WholeTimeline
    expiry: Annotated[list[Dated[Expiry]], *ONE_OR_MORE]
    resets_clock: NamesTimeline


def check_points(page: Document[Points], tiers: Sequence[str]) -> None:
    """Expiry covers all that is earned, by days that exist, tiers that somebody has to reach and
    activity that is named.

    `tiers` are the names of the tiers, lowest first.
    """
    book = page.content
    if book.expiry[0].from_date > book.points_per_10000_fen[0].from_date:
        reason = (
            f"points are earned from {book.points_per_10000_fen[0].from_date} on; start no later"
        )
        raise page.problem(("expiry", 0, "from"), reason)
    for number, version in enumerate(book.expiry):
        where: Where = ("expiry", number, "value")
        value = version.value
        if isinstance(value, Fixed) and value.day > LONGEST_MONTHS[value.month - 1]:
            raise page.problem((*where, "day"), f"month {value.month} has no day {value.day}")
        for place, tier in enumerate(value.exempt_tiers):
            check_known(page, (*where, "exempt_tiers", place), "tier", tier, tiers)
            if tier == tiers[0]:
                reason = f"everybody holds '{tier}'; write model: never instead"
                raise page.problem((*where, "exempt_tiers", place), reason)
        if isinstance(value, Activity | Dual) and not _qualifying_from(book, number):
            reason = "resets_clock names no activity type then; without one every member is idle"
            raise page.problem((*where, "idle_months"), reason)


def _qualifying_from(book: Points, number: int) -> bool:
    """Whether activity types are named on every day on which a version of expiry is in force."""
    start = book.expiry[number].from_date
    end = book.expiry[number + 1].from_date if number + 1 < len(book.expiry) else None
    before = [version for version in book.resets_clock if version.from_date <= start]
    during = [
        v for v in book.resets_clock if start < v.from_date and (not end or v.from_date < end)
    ]
    return bool(before) and all(version.value for version in [before[-1], *during])


def earning_rows(points: Points, books: Sequence[Business]) -> list[Row]:
    """The table `earning`."""
    rows = []
    for book in books:
        stretches = periods(
            points_per_10000_fen=points.points_per_10000_fen,
            multiplier_percent=book.points_multiplier_percent,
            refund_policy=book.refund_policy,
        )
        rows += [named(stretch, "earn", business=book.business) for stretch in stretches]
    return rows


def expiry_rows(points: Points) -> list[Row]:
    """The table `expiry`: a version a row; its model as months, days and years, if given."""
    return [_expiry_row(period) for period in periods(expiry=points.expiry)]


def _expiry_row(period: Row) -> Row:
    value = period.pop("expiry")
    given = value.model_dump()
    renewal = given["renewal"] or {}
    row = {
        "model": value.model,
        "lot_months": given.get("months") or given.get("absolute_months"),
        "fixed_month": given.get("month"),
        "fixed_day": given.get("day"),
        "fixed_years_after": given.get("years_after"),
        "anniversary_years": given.get("years"),
        "idle_months": given.get("idle_months"),
        "round_up_months": PERIODS.get(given.get("round_up_to") or ""),
        "exempt_tiers": " ".join(sorted(set(value.exempt_tiers))),
        "reinstatement_days": value.reinstatement_days,
        **{f"renewal_{name}": renewal.get(name) for name in Renewal.model_fields},
    }
    return named({**row, **period}, "expiry")


def qualifying_activity_rows(points: Points) -> list[Row]:
    """The table `qualifying_activity`: what resets the clock of idle members."""
    return [
        {"activity_type": name, **period}
        for period in periods(names=points.resets_clock)
        for name in sorted(set(period.pop("names")))
    ]
