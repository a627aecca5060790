"""The rule book of tiers."""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    MonthsTimeline,
    Row,
    WholeTimeline,
    check_known,
    check_unique,
    named,
    periods,
)
from ingest.rules.tier_metrics import (
    FEED_COLUMNS,
    MAIN_METRIC,
    MONEY,
    TAKING_BACK,
    ConditionTimeline,
    Line,
    Metric,
    Way,
    WindowTimeline,
    condition_lines,
    window_columns,
)

Downgrade = Literal["one_down", "requalify", "to_base", "soft_landing"]
CarryOver = Literal["none", "remainder"]
TABLES: dict[str, Columns] = {
    "tiers": {
        "tier": "text",
        "tier_name": "text",
        "tier_rank": "whole",
        "points_multiplier_percent": "whole",
        **VALID,
        "rule_id": "text",
    },
    "tier_metrics": {"metric": "text", "metric_name": "text", "metric_number": "whole"},
    "tier_feeds": FEED_COLUMNS,
    "tier_conditions": {
        "tier": "text",
        "tier_rank": "whole",
        "purpose": "text",
        "way_number": "whole",
        "group_number": "whole",
        "needed_count": "whole",
        "metric": "text",
        "at_least": "whole",
        **VALID,
        "rule_id": "text",
    },
    "tier_policy": {
        "window_kind": "text",
        "window_length": "whole",
        "cycle_start_month": "whole",
        "cycle_start_day": "whole",
        "period_months": "whole",
        "grace_days": "whole",
        "downgrade": "text",
        "carry_over": "text",
        **VALID,
    },
}


class Tier(Written):
    """One tier; its rank is its place in the list.

    `growth_threshold` is short for a condition that asks for so much growth and nothing else. Who
    keeps the tier meets `keep`, or `reach` where that is not written or is met anyway.
    """

    tier: Name
    tier_name: Text
    growth_threshold: WholeTimeline | None = None
    reach: ConditionTimeline | None = None
    keep: ConditionTimeline | None = None
    points_multiplier_percent: WholeTimeline


class Tiers(Written):
    """rules/programme/tiers.yml."""

    metrics: Annotated[list[Metric], Field(min_length=1)]
    window: WindowTimeline
    period_months: MonthsTimeline
    grace_days: WholeTimeline
    downgrade: Annotated[list[Dated[Downgrade]], *ONE_OR_MORE]
    carry_over: Annotated[list[Dated[CarryOver]], *ONE_OR_MORE]
    tiers: Annotated[list[Tier], Field(min_length=1)]


def check_tiers(page: Document[Tiers], businesses: Collection[str]) -> None:
    """Metrics and conditions fit together; at every date values rise, tier by tier."""
    tiers = page.content.tiers
    check_unique(page, "tiers", [tier.tier for tier in tiers])
    _check_metrics(page, businesses)
    for rank, tier in enumerate(tiers):
        if (tier.growth_threshold is None) == (tier.reach is None):
            raise page.problem(
                ("tiers", rank), f"tier '{tier.tier}' needs growth_threshold or reach, one of them"
            )
        _check_conditions(page, rank)
        name = "reach" if tier.growth_threshold is None else "growth_threshold"
        start = (tier.growth_threshold or tier.reach or [])[0].from_date
        if start != tier.points_multiplier_percent[0].from_date:
            where: Where = ("tiers", rank, "points_multiplier_percent", 0, "from")
            raise page.problem(where, f"tier '{tier.tier}' must start with its threshold's date")
        if start < tiers[0].points_multiplier_percent[0].from_date:
            where = ("tiers", rank, name, 0, "from")
            raise page.problem(where, f"tier '{tier.tier}' starts before '{tiers[0].tier}'")
    if tiers[0].growth_threshold is None or tiers[0].keep is not None:
        raise page.problem(("tiers", 0), "the lowest tier asks for nothing: growth_threshold 0")
    for number, threshold in enumerate(tiers[0].growth_threshold):
        if threshold.value != 0:
            where = ("tiers", 0, "growth_threshold", number, "value")
            raise page.problem(where, "the lowest tier's threshold must be 0")
    for name, least_step in (("growth_threshold", 1), ("points_multiplier_percent", 0)):
        _check_rising(page, name, least_step)


def _check_metrics(page: Document[Tiers], businesses: Collection[str]) -> None:
    """The main metric comes first; feeds name what exists and say what a unit is worth."""
    metrics = page.content.metrics
    check_unique(page, "metrics", [metric.metric for metric in metrics])
    if metrics[0].metric != MAIN_METRIC:
        raise page.problem(("metrics", 0, "metric"), f"the first metric is '{MAIN_METRIC}'")
    for place, metric in enumerate(metrics):
        for number, feed in enumerate(metric.feeds):
            where: Where = ("metrics", place, "feeds", number)
            if (feed.unit == "growth_percent") != (feed.value is None):
                raise page.problem(
                    where,
                    f"unit {feed.unit} takes no value, each business has its own"
                    if feed.value is not None
                    else f"unit {feed.unit} needs a value",
                )
            if feed.pending_counts and feed.unit not in MONEY:
                reason = f"nothing of {feed.unit} is pending; it goes with {' and '.join(MONEY)}"
                raise page.problem((*where, "pending_counts"), reason)
            for name in feed.businesses or []:
                check_known(page, (*where, "businesses"), "business", name, businesses)
            for name in feed.activity_types:
                if name in TAKING_BACK:
                    raise page.problem(
                        (*where, "activity_types"), f"'{name}' takes back, it earns nothing"
                    )


def _check_conditions(page: Document[Tiers], rank: int) -> None:
    """Conditions ask for metrics that exist."""
    known = {metric.metric for metric in page.content.metrics}
    for where, line in _lines(page.content.tiers[rank]):
        if line.metric not in known:
            reason = f"unknown metric '{line.metric}' (known: {', '.join(sorted(known))})"
            raise page.problem(("tiers", rank, *where, "metric"), reason)


def _lines(tier: Tier) -> Iterator[tuple[Where, Line]]:
    """Every line of a tier's conditions, and where it is written in the tier."""
    for name, timeline in (("reach", tier.reach), ("keep", tier.keep)):
        for version, dated in enumerate(timeline or []):
            for place, way in enumerate(dated.value):
                for group in way.groups():
                    for number, line in enumerate(group.lines):
                        yield (name, version, "value", place, *group.where, number), line


def _check_rising(page: Document[Tiers], name: str, least_step: int) -> None:
    """On every date of a change each tier's value is at least `least_step` above the tier below.

    Tiers with conditions of their own are passed over: nothing says which of two asks for more.
    """
    timelines: list[list[Dated[int]]] = [getattr(tier, name) or [] for tier in page.content.tiers]
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


def _reach(tier: Tier) -> Sequence[Dated[list[Way]]]:
    """What it takes to reach a tier, from each date on."""
    if tier.reach is not None:
        return tier.reach
    return [
        Dated[list[Way]].model_validate(
            {
                "from": threshold.from_date,
                "value": [Way(all_of=[Line(metric=MAIN_METRIC, at_least=threshold.value)])],
                "source": threshold.source,
                "approved_by": threshold.approved_by,
            }
        )
        for threshold in tier.growth_threshold or []
        if threshold.value > 0
    ]


def _keep(tier: Tier) -> Sequence[Dated[list[Way]]]:
    """What it takes to keep a tier: as to reach it, until something else is written."""
    if tier.keep is None:
        return _reach(tier)
    first = tier.keep[0].from_date
    return [*(each for each in _reach(tier) if each.from_date < first), *tier.keep]


def tier_rows(book: Tiers) -> list[Row]:
    """The table `tiers`."""
    return [
        {
            **named(period, "tier", tier=tier.tier),
            "tier_name": tier.tier_name,
            "tier_rank": rank,
        }
        for rank, tier in enumerate(book.tiers)
        for period in periods(points_multiplier_percent=tier.points_multiplier_percent)
    ]


def tier_metric_rows(book: Tiers) -> list[Row]:
    """The table `tier_metrics`; the main metric is number 0."""
    return [
        {"metric": metric.metric, "metric_name": metric.metric_name, "metric_number": number}
        for number, metric in enumerate(book.metrics)
    ]


def tier_condition_rows(book: Tiers) -> list[Row]:
    """The table `tier_conditions`: one row a line; the lowest tier asks for nothing."""
    rows: list[Row] = []
    for rank, tier in list(enumerate(book.tiers))[1:]:
        for purpose, timeline in (("reach", _reach(tier)), ("keep", _keep(tier))):
            for period in periods(condition=timeline):
                keys = named(period, purpose, tier=tier.tier)
                lines = condition_lines(keys.pop("condition"))
                rows += [{**keys, "tier_rank": rank, "purpose": purpose, **line} for line in lines]
    return rows


def tier_policy_rows(book: Tiers) -> list[Row]:
    """The table `tier_policy`."""
    rows = periods(
        window=book.window,
        period_months=book.period_months,
        grace_days=book.grace_days,
        downgrade=book.downgrade,
        carry_over=book.carry_over,
    )
    return [{**window_columns(row.pop("window")), **row} for row in rows]
