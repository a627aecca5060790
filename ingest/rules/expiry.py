"""How long points last: the models of expiry, of the group and of one business (RULES §2)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from ingest.core.documents import Document, Name, Where, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Months,
    NamesTimeline,
    Positive,
    Row,
    check_known,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "expiry": {
        "business": "text",
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
ExpiryTimeline = Annotated[list[Dated[Expiry]], *ONE_OR_MORE]
# Of one business, instead of the group's; null is the group's again.
OwnExpiryTimeline = Annotated[list[Dated[Expiry | None]], *ONE_OR_MORE]


def check_expiry(
    page: Document[Any],
    versions: Sequence[Dated[Any]],
    resets_clock: NamesTimeline,
    tiers: Sequence[str],
) -> None:
    """`expiry` of a book names days that exist, tiers that somebody has to reach and has activity
    that is named where it asks for activity; Problem otherwise.

    `tiers` are the names of the tiers, lowest first.
    """
    for number, version in enumerate(versions):
        where: Where = ("expiry", number, "value")
        value = version.value
        if value is None:
            continue
        if isinstance(value, Fixed) and value.day > LONGEST_MONTHS[value.month - 1]:
            raise page.problem((*where, "day"), f"month {value.month} has no day {value.day}")
        for place, tier in enumerate(value.exempt_tiers):
            check_known(page, (*where, "exempt_tiers", place), "tier", tier, tiers)
            if tier == tiers[0]:
                reason = f"everybody holds '{tier}'; write model: never instead"
                raise page.problem((*where, "exempt_tiers", place), reason)
        end = versions[number + 1].from_date if number + 1 < len(versions) else None
        is_asking = isinstance(value, Activity | Dual)
        if is_asking and not _is_named(resets_clock, version.from_date, end):
            reason = "resets_clock names no activity type then; without one every member is idle"
            raise page.problem((*where, "idle_months"), reason)


def _is_named(resets_clock: NamesTimeline, start: date, end: date | None) -> bool:
    """Whether activity types are named on every day on which a version of expiry is in force."""
    before = [version for version in resets_clock if version.from_date <= start]
    during = [v for v in resets_clock if start < v.from_date and (not end or v.from_date < end)]
    return bool(before) and all(version.value for version in [before[-1], *during])


def expiry_rows(
    group: Sequence[Dated[Any]], own: Mapping[str, Sequence[Dated[Any]] | None]
) -> list[Row]:
    """The table `expiry`: a version of each business a row; its model as months, days and years.

    `own` has the businesses by name, each with what it says instead of the group, if anything.
    """
    return [
        _expiry_row(business, period)
        for business, versions in own.items()
        for period in periods(expiry=_for_business(group, versions or ()))
    ]


def _for_business(group: Sequence[Dated[Any]], own: Sequence[Dated[Any]]) -> list[Dated[Any]]:
    held: list[Dated[Any]] = []
    for day in sorted({version.from_date for version in (*group, *own)}):
        versions = [version for version in own if version.from_date <= day][-1:]
        if not versions or versions[0].value is None:
            versions = [version for version in group if version.from_date <= day][-1:]
        moved = [version.model_copy(update={"from_date": day}) for version in versions]
        held += [version for version in moved if not held or version.value != held[-1].value]
    return held


def _expiry_row(business: str, period: Row) -> Row:
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
    return named({**row, **period}, "expiry", business=business)
