"""The rule book of earning: what is given besides the base rate, and whose base rate is another.

Layers of the base rate, from the widest to the closest: group (points.yml), business (its own
book), brand and merchant (`overrides` here). The closest one that covers an order counts.
A bonus rule gives points of its own for activities in its scope; `when` says which of them earn.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ingest.core.documents import Clock, Document, Name, Text, Where, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    Whole,
    WholeTimeline,
    check_known,
    check_unique,
    minute_of,
    named,
    periods,
)
from ingest.rules.lists import Listed, ListedNames, listed, once

ORDERS = ("purchase", "stay", "fee_payment", "parking_session")
BEHAVIOURS = ("check_in", "survey", "share", "referral")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BASE = "base"  # the name under which the base rate's outcomes stand
LAYERS = {"brand": 3, "merchant": 4}  # group is 1 and business 2

ActivityType = Literal[
    "purchase", "stay", "fee_payment", "parking_session", "check_in", "survey", "share", "referral"
]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


BirthdayDays = Annotated[int, Field(ge=0, le=180)]  # so that no day is near two birthdays


class Brand(Written):
    """A brand and the merchants that carry it."""

    brand: Name
    brand_name: Text
    business: Name
    merchants: Listed


class Override(Written):
    """The base rate's multiplier of some merchants or a brand, instead of the business's own."""

    override: Name
    business: Name
    brand: Name | None = None
    merchants: Listed | None = None
    points_multiplier_percent: WholeTimeline


class Scope(Written):
    """Which activities a rule is about; what is not named is not asked."""

    businesses: ListedNames
    activity_types: Annotated[list[ActivityType], Field(min_length=1), AfterValidator(once)]
    brand: Name | None = None
    merchants: Listed | None = None
    channels: Listed | None = None
    categories: Listed | None = None
    weekdays: Annotated[list[Weekday], Field(min_length=1), AfterValidator(once)] | None = None
    from_time: Clock | None = None
    until_time: Clock | None = None


class Award(Written):
    """What is given: one of the three, `for_each_fen` with points for every full amount paid."""

    percent_of_base: Positive | None = None
    points_per_10000_fen: Positive | None = None
    points: Positive | None = None
    for_each_fen: Positive | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "Award":
        ways = [self.percent_of_base, self.points_per_10000_fen, self.points]
        if sum(way is not None for way in ways) != 1:
            raise ValueError("say one of percent_of_base, points_per_10000_fen, points")
        if self.for_each_fen is not None and self.points is None:
            raise ValueError("for_each_fen goes with points")
        return self


class Ordinal(Written):
    """Which of a member's activities in the rule's scope earns, counted within a period."""

    period: Literal["day", "week", "month", "year", "ever"]
    nth: Positive
    and_later: bool = False


class Birthday(Written):
    """An activity near the member's birthday: in its month, or on the day and so many days before
    and after it. Whoever was born on 29 February has it on the 28th in other years.
    """

    window: Literal["month", "day"]
    days_before: BirthdayDays | None = None
    days_after: BirthdayDays | None = None

    @model_validator(mode="after")
    def _days_of_a_day(self) -> "Birthday":
        if self.window == "month" and (self.days_before, self.days_after) != (None, None):
            raise ValueError("days_before and days_after go with window: day")
        return self


class When(Written):
    """What has to hold of the member and the amount."""

    least_paid_fen: Positive | None = None
    tiers: ListedNames | None = None
    ordinal: Ordinal | None = None
    birthday: Birthday | None = None
    mission: Name | None = None
    tag: Name | None = None
    full_price: Literal[True] | None = None  # no discount on the order


class Caps(Written):
    """The most that one member gets by the rule; points beyond are clipped, awards refused. Of a
    rule that asks for birthdays the year is that of the birthday: 2 January belongs to 31 December.
    """

    points_per_activity: Positive | None = None
    points_per_day: Positive | None = None
    points_per_month: Positive | None = None
    points_per_year: Positive | None = None
    points_in_all: Positive | None = None
    awards_per_day: Positive | None = None
    awards_per_month: Positive | None = None
    awards_per_year: Positive | None = None
    awards_in_all: Positive | None = None


class Terms(Written):
    """What a rule gives from a date on."""

    award: Award
    when: When = Field(default_factory=When)
    caps: Caps = Field(default_factory=Caps)


class Campaign(Written):
    """What several rules share: the most that one member gets by all of them together, after each
    rule's own caps. A year is the calendar's. A value of null ends the caps, not the rules.
    """

    campaign: Name
    campaign_name: Text
    caps: Annotated[list[Dated[Caps | None]], *ONE_OR_MORE]


class BonusRule(Written):
    """One rule. Of the rules of one `only_best_of`, an order earns by the one that gives most, of
    equal ones by the one of the lower rank. Rules of one `campaign` share its caps. A value of null
    ends the rule.
    """

    rule: Name
    rule_name: Text
    scope: Scope
    campaign: Name | None = None
    only_best_of: Name | None = None
    rank: Whole = 0
    terms: Annotated[list[Dated[Terms | None]], *ONE_OR_MORE]


class Earning(Written):
    """rules/programme/earning.yml."""

    brands: list[Brand] = Field(default_factory=list)
    overrides: list[Override] = Field(default_factory=list)
    campaigns: list[Campaign] = Field(default_factory=list)
    bonus_rules: list[BonusRule] = Field(default_factory=list)


TABLES: dict[str, Columns] = {
    "earning_overrides": {
        "business": "text",
        "merchant_id": "text",
        "layer": "whole",
        "multiplier_percent": "whole",
        **VALID,
        "rule_id": "text",
    },
    "campaign_caps": {
        "campaign": "text",
        "rule": "text",
        **dict.fromkeys(Caps.model_fields, "whole"),
        **VALID,
        "rule_id": "text",
    },
    "bonus_rules": {
        "rule": "text",
        "rule_name": "text",
        "business": "text",
        "activity_type": "text",
        "merchants": "text",
        "channels": "text",
        "categories": "text",
        "weekdays": "text",
        "from_minute": "whole",
        "until_minute": "whole",
        "percent_of_base": "whole",
        "points_per_10000_fen": "whole",
        "points": "whole",
        "for_each_fen": "whole",
        "least_paid_fen": "whole",
        "tiers": "text",
        "ordinal_period": "text",
        "ordinal_from": "whole",
        "ordinal_until": "whole",
        "with_mission": "text",
        "with_tag": "text",
        "is_full_price_asked": "flag",
        "birthday_window": "text",
        "birthday_days_before": "whole",
        "birthday_days_after": "whole",
        **dict.fromkeys(Caps.model_fields, "whole"),
        "only_best_of": "text",
        "rank": "whole",
        **VALID,
        "rule_id": "text",
    },
}


@dataclass(frozen=True)
class Known:
    """What other books name: businesses, tiers, missions and tags."""

    businesses: set[str]
    tiers: set[str]
    missions: set[str]
    tags: set[str]


def check_earning(page: Document[Earning], known: Known) -> None:
    """Names are known and unique, and no merchant has two base rates of one layer at one time."""
    book = page.content
    check_unique(page, "brands", [brand.brand for brand in book.brands])
    check_unique(page, "overrides", [override.override for override in book.overrides])
    check_unique(page, "campaigns", [campaign.campaign for campaign in book.campaigns])
    check_unique(page, "bonus_rules", [rule.rule for rule in book.bonus_rules])
    for number, brand in enumerate(book.brands):
        where: Where = ("brands", number, "business")
        check_known(page, where, "business", brand.business, known.businesses)
    _check_overrides(page, known.businesses)
    _check_campaigns(page)
    for number, rule in enumerate(book.bonus_rules):
        _check_rule(page, number, rule, known)


def _check_overrides(page: Document[Earning], businesses: set[str]) -> None:
    brands = {brand.brand: brand for brand in page.content.brands}
    taken: dict[tuple[str, str, int], str] = {}
    for number, override in enumerate(page.content.overrides):
        where: Where = ("overrides", number)
        if (override.brand is None) == (override.merchants is None):
            raise page.problem(where, "say one of brand, merchants")
        check_known(page, (*where, "business"), "business", override.business, businesses)
        if override.brand is not None:
            check_known(page, (*where, "brand"), "brand", override.brand, set(brands))
            if brands[override.brand].business != override.business:
                reason = f"brand '{override.brand}' belongs to {brands[override.brand].business}"
                raise page.problem((*where, "brand"), reason)
        for merchant in _merchants(page.content, override.brand, override.merchants) or ():
            key = (override.business, merchant, _layer(override))
            if key in taken:
                reason = f"merchant '{merchant}' has a base rate by '{taken[key]}' already"
                raise page.problem(where, reason)
            taken[key] = override.override


def _check_campaigns(page: Document[Earning]) -> None:
    for number, campaign in enumerate(page.content.campaigns):
        for place, caps in enumerate(campaign.caps):
            if caps.value == Caps():
                where: Where = ("campaigns", number, "caps", place, "value")
                raise page.problem(where, "caps nothing; say at least one cap, or null to end them")


def _check_rule(page: Document[Earning], number: int, rule: BonusRule, known: Known) -> None:
    where: Where = ("bonus_rules", number)
    scope: Where = (*where, "scope")
    if rule.rule == BASE:
        raise page.problem((*where, "rule"), f"'{BASE}' is the name of the base rate")
    for place, name in enumerate(rule.scope.businesses):
        check_known(page, (*scope, "businesses", place), "business", name, known.businesses)
    if rule.campaign is not None:
        campaigns = {campaign.campaign for campaign in page.content.campaigns}
        check_known(page, (*where, "campaign"), "campaign", rule.campaign, campaigns)
    brands = {brand.brand: brand for brand in page.content.brands}
    if rule.scope.brand is not None:
        check_known(page, (*scope, "brand"), "brand", rule.scope.brand, set(brands))
        if rule.scope.merchants is not None:
            raise page.problem((*scope, "merchants"), "say one of brand, merchants")
        if rule.scope.businesses != [brands[rule.scope.brand].business]:
            owner = brands[rule.scope.brand].business
            raise page.problem((*scope, "brand"), f"brand '{rule.scope.brand}' belongs to {owner}")
    if (rule.scope.from_time is None) != (rule.scope.until_time is None):
        raise page.problem(scope, "from_time and until_time go together")
    for place, value in enumerate(rule.terms):
        if value.value is not None:
            _check_terms(page, (*where, "terms", place, "value"), rule, value.value, known)


def _check_terms(
    page: Document[Earning], where: Where, rule: BonusRule, terms: Terms, known: Known
) -> None:
    for place, tier in enumerate(terms.when.tiers or ()):
        check_known(page, (*where, "when", "tiers", place), "tier", tier, known.tiers)
    for what, name, names in (
        ("mission", terms.when.mission, known.missions),
        ("tag", terms.when.tag, known.tags),
    ):
        if name is not None:
            check_known(page, (*where, "when", what), what, name, names)
    pays_nothing = [name for name in rule.scope.activity_types if name in BEHAVIOURS]
    asks_money = terms.award.points is None or terms.award.for_each_fen is not None
    if pays_nothing and (asks_money or terms.when.least_paid_fen is not None):
        reason = f"nothing is paid for {pays_nothing[0]}; give it points, without an amount"
        raise page.problem((*where, "award"), reason)


def _layer(override: Override) -> int:
    return LAYERS["merchant" if override.merchants is not None else "brand"]


def _merchants(book: Earning, brand: str | None, merchants: list[str] | None) -> list[str] | None:
    if brand is None:
        return merchants
    return next(each.merchants for each in book.brands if each.brand == brand)


def override_rows(book: Earning) -> list[Row]:
    """The table `earning_overrides`: one row a merchant and stretch."""
    rows = []
    for override in book.overrides:
        keys = {"layer": _layer(override), "business": override.business}
        for stretch in periods(multiplier_percent=override.points_multiplier_percent):
            row = {**named(stretch, "override", override=override.override), **keys}
            del row["override"]
            merchants = _merchants(book, override.brand, override.merchants) or ()
            rows += [{**row, "merchant_id": merchant} for merchant in merchants]
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in sorted(row)))


def campaign_cap_rows(book: Earning) -> list[Row]:
    """The table `campaign_caps`: one row a campaign, rule of it, and stretch with any caps."""
    rows = []
    for campaign in book.campaigns:
        rules = [rule.rule for rule in book.bonus_rules if rule.campaign == campaign.campaign]
        for stretch in periods(caps=campaign.caps):
            caps: Caps | None = stretch.pop("caps")
            if caps is not None:
                row = named(stretch, "campaign", campaign=campaign.campaign)
                row |= {"campaign_name": campaign.campaign_name, **caps.model_dump()}
                rows += [{**row, "rule": rule} for rule in rules]
    return sorted(rows, key=lambda row: (row["campaign"], row["rule"], row["valid_from_date"]))


def bonus_rule_rows(book: Earning) -> list[Row]:
    """The table `bonus_rules`: one row a rule, stretch, business and activity type."""
    rows = []
    for rule in book.bonus_rules:
        for stretch in periods(terms=rule.terms):
            terms: Terms | None = stretch.pop("terms")
            if terms is None:
                continue
            row = {**named(stretch, "bonus", rule=rule.rule), **_scope_columns(book, rule.scope)}
            row |= {"rule_name": rule.rule_name, "only_best_of": rule.only_best_of}
            row |= {"rank": rule.rank, **_terms_columns(terms)}
            rows += [
                {**row, "business": business, "activity_type": activity_type}
                for business in rule.scope.businesses
                for activity_type in rule.scope.activity_types
            ]
    keys = ("rule", "valid_from_date", "business", "activity_type")
    return sorted(rows, key=lambda row: tuple(str(row[name]) for name in keys))


def _scope_columns(book: Earning, scope: Scope) -> Row:
    weekdays = None
    if scope.weekdays is not None:
        weekdays = [str(WEEKDAYS.index(day) + 1) for day in scope.weekdays]
    return {
        "merchants": listed(_merchants(book, scope.brand, scope.merchants)),
        "channels": listed(scope.channels),
        "categories": listed(scope.categories),
        "weekdays": listed(weekdays),
        "from_minute": scope.from_time and minute_of(scope.from_time),
        "until_minute": scope.until_time and minute_of(scope.until_time),
    }


def _terms_columns(terms: Terms) -> Row:
    ordinal, birthday = terms.when.ordinal, terms.when.birthday
    is_near_a_day = birthday is not None and birthday.window == "day"
    return {
        **terms.award.model_dump(),
        **terms.caps.model_dump(),
        "least_paid_fen": terms.when.least_paid_fen,
        "tiers": listed(terms.when.tiers),
        "ordinal_period": ordinal and ordinal.period,
        "ordinal_from": ordinal and ordinal.nth,
        "ordinal_until": ordinal and (None if ordinal.and_later else ordinal.nth),
        "with_mission": terms.when.mission,
        "with_tag": terms.when.tag,
        "is_full_price_asked": bool(terms.when.full_price),
        "birthday_window": birthday and birthday.window,
        "birthday_days_before": (birthday.days_before or 0) if birthday and is_near_a_day else None,
        "birthday_days_after": (birthday.days_after or 0) if birthday and is_near_a_day else None,
    }
