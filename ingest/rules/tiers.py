"""The rule book of tiers."""

from typing import Annotated

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.dated import (
    VALID,
    Columns,
    Dated,
    MonthsTimeline,
    Row,
    WholeTimeline,
    check_unique,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "tiers": {
        "tier": "text",
        "tier_name": "text",
        "tier_rank": "whole",
        "growth_threshold": "whole",
        "points_multiplier_percent": "whole",
        **VALID,
        "rule_id": "text",
    },
    "tier_policy": {
        "window_months": "whole",
        "period_months": "whole",
        "grace_days": "whole",
        **VALID,
    },
}


class Tier(Written):
    """One tier; its rank is its place in the list."""

    tier: Name
    tier_name: Text
    growth_threshold: WholeTimeline
    points_multiplier_percent: WholeTimeline


class Tiers(Written):
    """rules/programme/tiers.yml."""

    window_months: MonthsTimeline
    period_months: MonthsTimeline
    grace_days: WholeTimeline
    tiers: Annotated[list[Tier], Field(min_length=1)]


def check_tiers(page: Document[Tiers]) -> None:
    """At every date thresholds rise from 0 and multipliers do not fall, tier by tier."""
    tiers = page.content.tiers
    check_unique(page, "tiers", [tier.tier for tier in tiers])
    for rank, tier in enumerate(tiers):
        if tier.growth_threshold[0].from_date != tier.points_multiplier_percent[0].from_date:
            where: Where = ("tiers", rank, "points_multiplier_percent", 0, "from")
            raise page.problem(where, f"tier '{tier.tier}' must start with its threshold's date")
        if tier.growth_threshold[0].from_date < tiers[0].growth_threshold[0].from_date:
            where = ("tiers", rank, "growth_threshold", 0, "from")
            raise page.problem(where, f"tier '{tier.tier}' starts before '{tiers[0].tier}'")
    for number, threshold in enumerate(tiers[0].growth_threshold):
        if threshold.value != 0:
            where = ("tiers", 0, "growth_threshold", number, "value")
            raise page.problem(where, "the lowest tier's threshold must be 0")
    for name, least_step in (("growth_threshold", 1), ("points_multiplier_percent", 0)):
        _check_rising(page, name, least_step)


def _check_rising(page: Document[Tiers], name: str, least_step: int) -> None:
    """On every date of a change each tier's value is at least `least_step` above the tier below."""
    timelines: list[list[Dated[int]]] = [getattr(tier, name) for tier in page.content.tiers]
    for day in sorted({value.from_date for timeline in timelines for value in timeline}):
        below: tuple[str, int] | None = None
        for rank, timeline in enumerate(timelines):
            places = [i for i, value in enumerate(timeline) if value.from_date <= day]
            if not places:
                continue
            value, tier = timeline[places[-1]].value, page.content.tiers[rank].tier
            if below is not None and value < below[1] + least_step:
                where: Where = ("tiers", rank, name, places[-1], "value")
                reason = f"{name} of '{tier}' on {day} is {value}, '{below[0]}' has {below[1]}"
                raise page.problem(where, f"{reason}; it must be higher up the tiers")
            below = tier, value


def tier_rows(book: Tiers) -> list[Row]:
    """The table `tiers`."""
    rows = []
    for rank, tier in enumerate(book.tiers):
        for period in periods(
            growth_threshold=tier.growth_threshold,
            points_multiplier_percent=tier.points_multiplier_percent,
        ):
            row = named(period, "tier", tier=tier.tier)
            rows.append({**row, "tier_name": tier.tier_name, "tier_rank": rank})
    return rows


def tier_policy_rows(book: Tiers) -> list[Row]:
    """The table `tier_policy`."""
    return periods(
        window_months=book.window_months,
        period_months=book.period_months,
        grace_days=book.grace_days,
    )
