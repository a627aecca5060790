"""What a rule book may say, and the check that it says nothing else.

A value holds from its date until the next one, so overlaps cannot be written. Every value names its
source and who approved it. A mistake is reported with file and line before any night begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field

from ingest.core.contract import business_names
from ingest.core.documents import (
    Clock,
    Document,
    M,
    Name,
    Text,
    TimeZone,
    Where,
    Written,
    read_document,
)
from ingest.core.errors import Problem

T = TypeVar("T")


def _increasing(values: "list[Dated[Any]]") -> "list[Dated[Any]]":
    for earlier, later in pairwise(values):
        if later.from_date <= earlier.from_date:
            raise ValueError(f"date {later.from_date} must come after {earlier.from_date}")
    return values


class Dated(Written, Generic[T]):
    """One value from one date on, with the document that says so and who approved it."""

    from_date: date = Field(alias="from")
    value: T
    source: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)


Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
Months = Annotated[int, Field(ge=1, le=1200)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
Policy = Literal["unlimited", "within_balance"]
ONE_OR_MORE = (Field(min_length=1), AfterValidator(_increasing))
WholeTimeline = Annotated[list[Dated[Whole]], *ONE_OR_MORE]
MonthsTimeline = Annotated[list[Dated[Months]], *ONE_OR_MORE]
PolicyTimeline = Annotated[list[Dated[Policy]], *ONE_OR_MORE]
NamesTimeline = Annotated[list[Dated[list[Name]]], *ONE_OR_MORE]
SwitchTimeline = Annotated[list[Dated[bool]], *ONE_OR_MORE]


class Business(Written):
    """rules/businesses/<business>.yml."""

    business: Name
    business_name: Text
    legal_entity_name: Text
    unified_social_credit_code: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$")]
    time_zone: TimeZone
    day_cut_off: Clock
    points_multiplier_percent: WholeTimeline
    refund_policy: PolicyTimeline
    growth_percent: WholeTimeline
    excluded_channels: NamesTimeline


class Points(Written):
    """rules/programme/points.yml."""

    points_per_10000_fen: WholeTimeline
    expiry_months: MonthsTimeline


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


class Benefit(Written):
    """One benefit of the pool; `valid` switches it on and off."""

    benefit: Name
    benefit_name: Text
    business: Name
    lowest_tier: Name
    quantity: Positive
    quantity_unit: Name
    valid: SwitchTimeline


class Entitlements(Written):
    """rules/programme/entitlements.yml."""

    benefits: list[Benefit]


class Audience(Written):
    """One audience and the limit that decides who is in it."""

    audience: Name
    audience_name: Text
    kind: Literal["points_expiring_within_days", "growth_missing_at_most", "no_activity_for_days"]
    limit: WholeTimeline


class Marketing(Written):
    """rules/programme/marketing.yml."""

    audiences: list[Audience]


class Fund(Written):
    """The party that holds the price of issued points until they are taken."""

    party: Name
    party_name: Text


class PairPrices(Written):
    """Prices of one pair of businesses, instead of the general ones."""

    issuer_business: Name
    redeemer_business: Name
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline


class Settlement(Written):
    """rules/programme/settlement.yml; prices in micro-fen a point."""

    fund: Fund
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline
    exceptions: list[PairPrices] = Field(default_factory=list)


@dataclass(frozen=True)
class RuleBooks:
    """All rule books, checked: each by itself and against each other."""

    businesses: tuple[Business, ...]
    points: Points
    tiers: Tiers
    entitlements: Entitlements
    marketing: Marketing
    settlement: Settlement


def load_rule_books(rules: Path, dbt_project: Path) -> RuleBooks:
    """Read and check all rule books; Problem `file:line:column: reason` for the first mistake."""
    folder = rules / "businesses"
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise Problem(f"{folder} holds no rule book; set RULES_DIR to the folder of the rules")
    pages = [_book(path, Business) for path in paths]
    programme = rules / "programme"
    points = _book(programme / "points.yml", Points)
    tiers = _book(programme / "tiers.yml", Tiers)
    entitlements = _book(programme / "entitlements.yml", Entitlements)
    marketing = _book(programme / "marketing.yml", Marketing)
    settlement = _book(programme / "settlement.yml", Settlement)
    _check_businesses(pages, dbt_project, folder)
    businesses = {page.content.business for page in pages}
    _check_tiers(tiers)
    _check_entitlements(entitlements, businesses, {tier.tier for tier in tiers.content.tiers})
    _unique(marketing, "audiences", [entry.audience for entry in marketing.content.audiences])
    _check_settlement(settlement, businesses)
    return RuleBooks(
        businesses=tuple(page.content for page in pages),
        points=points.content,
        tiers=tiers.content,
        entitlements=entitlements.content,
        marketing=marketing.content,
        settlement=settlement.content,
    )


def _book(path: Path, model: type[M]) -> Document[M]:
    return read_document(path, model, "rule book")


def _check_businesses(pages: Sequence[Document[Business]], dbt_project: Path, folder: Path) -> None:
    """One file a business, named after it, and exactly the businesses of dbt_project.yml."""
    for page in pages:
        if page.path.stem != page.content.business:
            reason = f"business '{page.content.business}' belongs in {page.content.business}.yml"
            raise page.problem(("business",), reason)
    expected = business_names(dbt_project)
    if expected is None:
        return
    for page in pages:
        if page.content.business not in expected:
            reason = f"'{page.content.business}' is not in vars.businesses of dbt_project.yml"
            raise page.problem(("business",), reason)
    for name in sorted(set(expected) - {page.content.business for page in pages}):
        raise Problem(f"{folder / name}.yml is missing; dbt_project.yml lists '{name}'")


def _check_tiers(page: Document[Tiers]) -> None:
    """At every date thresholds rise from 0 and multipliers do not fall, tier by tier."""
    tiers = page.content.tiers
    _unique(page, "tiers", [tier.tier for tier in tiers])
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


def _check_entitlements(
    page: Document[Entitlements], businesses: set[str], tiers: set[str]
) -> None:
    _unique(page, "benefits", [benefit.benefit for benefit in page.content.benefits])
    for number, benefit in enumerate(page.content.benefits):
        if benefit.business not in businesses:
            where: Where = ("benefits", number, "business")
            raise page.problem(where, f"unknown business '{benefit.business}'")
        if benefit.lowest_tier not in tiers:
            where = ("benefits", number, "lowest_tier")
            raise page.problem(where, f"unknown tier '{benefit.lowest_tier}'")


def _check_settlement(page: Document[Settlement], businesses: set[str]) -> None:
    if page.content.fund.party in businesses:
        raise page.problem(("fund", "party"), "the fund cannot carry the name of a business")
    pairs = []
    for number, entry in enumerate(page.content.exceptions):
        for name in ("issuer_business", "redeemer_business"):
            if getattr(entry, name) not in businesses:
                where: Where = ("exceptions", number, name)
                raise page.problem(where, f"unknown business '{getattr(entry, name)}'")
        pairs.append(f"{entry.issuer_business} to {entry.redeemer_business}")
    _unique(page, "exceptions", pairs)


def _unique(page: Document[Any], name: str, keys: Sequence[str]) -> None:
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise page.problem((name, number), f"'{key}' is described twice")
