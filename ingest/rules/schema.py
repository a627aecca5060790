"""What a rule book may say, and the check that it says nothing else.

A value holds from its date until the next one, so overlaps cannot be written. Every value names its
source and who approved it. A mistake is reported with file and line before any night begins.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ingest.core.contract import business_names
from ingest.core.errors import Problem, one_line

T = TypeVar("T")
M = TypeVar("M", bound="Book")
Where = tuple[str | int, ...]


def _increasing(values: "list[Dated[Any]]") -> "list[Dated[Any]]":
    for earlier, later in pairwise(values):
        if later.from_date <= earlier.from_date:
            raise ValueError(f"date {later.from_date} must come after {earlier.from_date}")
    return values


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"unknown time zone '{name}'") from None
    return name


class Book(BaseModel):
    """Anything in a rule book: unknown words are refused, types are not bent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Dated(Book, Generic[T]):
    """One value from one date on, with the document that says so and who approved it."""

    from_date: date = Field(alias="from")
    value: T
    source: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Label = Annotated[str, Field(min_length=1)]
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


class Business(Book):
    """rules/businesses/<business>.yml."""

    business: Name
    business_name: Label
    legal_entity_name: Label
    unified_social_credit_code: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$")]
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    day_cut_off: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    points_multiplier_percent: WholeTimeline
    refund_policy: PolicyTimeline
    growth_percent: WholeTimeline
    excluded_channels: NamesTimeline


class Points(Book):
    """rules/programme/points.yml."""

    points_per_10000_fen: WholeTimeline
    expiry_months: MonthsTimeline


class Tier(Book):
    """One tier; its rank is its place in the list."""

    tier: Name
    tier_name: Label
    growth_threshold: WholeTimeline
    points_multiplier_percent: WholeTimeline


class Tiers(Book):
    """rules/programme/tiers.yml."""

    window_months: MonthsTimeline
    period_months: MonthsTimeline
    grace_days: WholeTimeline
    tiers: Annotated[list[Tier], Field(min_length=1)]


class Benefit(Book):
    """One benefit of the pool; `valid` switches it on and off."""

    benefit: Name
    benefit_name: Label
    business: Name
    lowest_tier: Name
    quantity: Positive
    quantity_unit: Name
    valid: SwitchTimeline


class Entitlements(Book):
    """rules/programme/entitlements.yml."""

    benefits: list[Benefit]


class Audience(Book):
    """One audience and the limit that decides who is in it."""

    audience: Name
    audience_name: Label
    kind: Literal["points_expiring_within_days", "growth_missing_at_most", "no_activity_for_days"]
    limit: WholeTimeline


class Marketing(Book):
    """rules/programme/marketing.yml."""

    audiences: list[Audience]


class Fund(Book):
    """The party that holds the price of issued points until they are taken."""

    party: Name
    party_name: Label


class PairPrices(Book):
    """Prices of one pair of businesses, instead of the general ones."""

    issuer_business: Name
    redeemer_business: Name
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline


class Settlement(Book):
    """rules/programme/settlement.yml; prices in micro-fen a point."""

    fund: Fund
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline
    exceptions: list[PairPrices] = []


@dataclass(frozen=True)
class RuleBooks:
    """All rule books, checked: each by itself and against each other."""

    businesses: tuple[Business, ...]
    points: Points
    tiers: Tiers
    entitlements: Entitlements
    marketing: Marketing
    settlement: Settlement


@dataclass(frozen=True)
class _Page(Generic[M]):
    """A checked file with its syntax tree, for complaints that only show between its values."""

    path: Path
    node: yaml.Node
    book: M

    def problem(self, where: Where, reason: str) -> Problem:
        return Problem(f"{self.path}:{_line(self.node, where)}: {reason}")


def load_rule_books(rules: Path, dbt_project: Path) -> RuleBooks:
    """Read and check all rule books; Problem `file:line: reason` for the first mistake."""
    folder = rules / "businesses"
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise Problem(f"{folder} holds no rule book; set RULES_DIR to the folder of the rules")
    pages = [_read(path, Business) for path in paths]
    programme = rules / "programme"
    points = _read(programme / "points.yml", Points)
    tiers = _read(programme / "tiers.yml", Tiers)
    entitlements = _read(programme / "entitlements.yml", Entitlements)
    marketing = _read(programme / "marketing.yml", Marketing)
    settlement = _read(programme / "settlement.yml", Settlement)
    _check_businesses(pages, dbt_project, folder)
    businesses = {page.book.business for page in pages}
    _check_tiers(tiers)
    _check_entitlements(entitlements, businesses, {tier.tier for tier in tiers.book.tiers})
    _unique(marketing, "audiences", [entry.audience for entry in marketing.book.audiences])
    _check_settlement(settlement, businesses)
    return RuleBooks(
        businesses=tuple(page.book for page in pages),
        points=points.book,
        tiers=tiers.book,
        entitlements=entitlements.book,
        marketing=marketing.book,
        settlement=settlement.book,
    )


def _check_businesses(pages: Sequence[_Page[Business]], dbt_project: Path, folder: Path) -> None:
    """One file a business, named after it, and exactly the businesses of dbt_project.yml."""
    for page in pages:
        if page.path.stem != page.book.business:
            reason = f"business '{page.book.business}' belongs in {page.book.business}.yml"
            raise page.problem(("business",), reason)
    expected = business_names(dbt_project)
    if expected is None:
        return
    for page in pages:
        if page.book.business not in expected:
            reason = f"'{page.book.business}' is not in vars.businesses of dbt_project.yml"
            raise page.problem(("business",), reason)
    for name in sorted(set(expected) - {page.book.business for page in pages}):
        raise Problem(f"{folder / name}.yml is missing; dbt_project.yml lists '{name}'")


def _check_tiers(page: _Page[Tiers]) -> None:
    """At every date thresholds rise from 0 and multipliers do not fall, tier by tier."""
    tiers = page.book.tiers
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


def _check_rising(page: _Page[Tiers], name: str, least_step: int) -> None:
    """On every date of a change each tier's value is at least `least_step` above the tier below."""
    timelines: list[list[Dated[int]]] = [getattr(tier, name) for tier in page.book.tiers]
    for day in sorted({value.from_date for timeline in timelines for value in timeline}):
        below: tuple[str, int] | None = None
        for rank, timeline in enumerate(timelines):
            places = [i for i, value in enumerate(timeline) if value.from_date <= day]
            if not places:
                continue
            value, tier = timeline[places[-1]].value, page.book.tiers[rank].tier
            if below is not None and value < below[1] + least_step:
                where: Where = ("tiers", rank, name, places[-1], "value")
                reason = f"{name} of '{tier}' on {day} is {value}, '{below[0]}' has {below[1]}"
                raise page.problem(where, f"{reason}; it must be higher up the tiers")
            below = tier, value


def _check_entitlements(page: _Page[Entitlements], businesses: set[str], tiers: set[str]) -> None:
    _unique(page, "benefits", [benefit.benefit for benefit in page.book.benefits])
    for number, benefit in enumerate(page.book.benefits):
        if benefit.business not in businesses:
            where: Where = ("benefits", number, "business")
            raise page.problem(where, f"unknown business '{benefit.business}'")
        if benefit.lowest_tier not in tiers:
            where = ("benefits", number, "lowest_tier")
            raise page.problem(where, f"unknown tier '{benefit.lowest_tier}'")


def _check_settlement(page: _Page[Settlement], businesses: set[str]) -> None:
    if page.book.fund.party in businesses:
        raise page.problem(("fund", "party"), "the fund cannot carry the name of a business")
    pairs = []
    for number, entry in enumerate(page.book.exceptions):
        for name in ("issuer_business", "redeemer_business"):
            if getattr(entry, name) not in businesses:
                where: Where = ("exceptions", number, name)
                raise page.problem(where, f"unknown business '{getattr(entry, name)}'")
        pairs.append(f"{entry.issuer_business} to {entry.redeemer_business}")
    _unique(page, "exceptions", pairs)


def _unique(page: _Page[Any], name: str, keys: Sequence[str]) -> None:
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise page.problem((name, number), f"'{key}' is described twice")


def _read(path: Path, model: type[M]) -> _Page[M]:
    """Read one rule book; Problem with file and line if it is missing or not what it should be."""
    if not path.is_file():
        raise Problem(f"rule book {path} is missing")
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            raise Problem(f"{path}:1: the file is empty")
        for key in _repeated_keys(node):
            line = key.start_mark.line + 1
            raise Problem(f"{path}:{line}: '{key.value}' is written twice")
        document = loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or error
        line = mark.line + 1 if mark else 1
        raise Problem(f"{path}:{line}: not valid YAML: {one_line(reason)}") from error
    try:
        return _Page(path, node, model.model_validate(document))
    except ValidationError as error:
        raise _first_mistake(path, node, error) from None


def _first_mistake(path: Path, node: yaml.Node, error: ValidationError) -> Problem:
    """The mistake highest up in the file; what is missing last, it often is only misspelt."""
    mistakes = error.errors(include_url=False)
    first = min(mistakes, key=lambda e: (e["type"] == "missing", _line(node, e["loc"])))
    name = ".".join(map(str, first["loc"]))
    reason = re.sub(r"^(Value error, |Input )", "", first["msg"])
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return Problem(f"{path}:{_line(node, first['loc'])}: {name}: {reason}{more}")


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Keys that a mapping holds twice; YAML itself would keep the last one and say nothing."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                yield key
            seen.add(getattr(key, "value", None))
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)


def _line(node: yaml.Node, where: Where) -> int:
    """Line (from 1) of a place in a file; of the nearest place above it if it is not written."""
    line = node.start_mark.line + 1
    for step in where:
        if isinstance(node, yaml.MappingNode):
            pairs = [pair for pair in node.value if pair[0].value == step]
            if not pairs:
                return line
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            return line
    return line
