"""The tier rules of ledger/README.md a second time: a day at a time, apart from the fold."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

DAY = timedelta(days=1)
Values = Mapping[str, int]
Ways = tuple["Way", ...]


@dataclass(frozen=True)
class GrowthEvent:
    """One row of int_tier_events that moves a metric."""

    business_date: date
    value: int
    origin_date: date | None = None
    member_id: str = "M1"
    metric: str = "growth"


@dataclass(frozen=True)
class Lock:
    """One lock, or a tier brought along: held at least from a day through another one."""

    tier: str
    from_date: date
    until_date: date
    member_id: str = "M1"
    reason: str = "lock"


@dataclass(frozen=True)
class Group:
    """So many of these lines (metric, at least) must hold."""

    needed: int
    lines: tuple[tuple[str, int], ...]

    def holds(self, values: Values) -> bool:
        return sum(values[metric] >= least for metric, least in self.lines) >= self.needed


@dataclass(frozen=True)
class Way:
    """Groups that must hold together."""

    groups: tuple[Group, ...]


def growth(at_least: int) -> Ways:
    """The common case: so much growth."""
    return (Way((Group(1, (("growth", at_least),)),)),)


@dataclass(frozen=True)
class TierVersion:
    """A tier and what it asks for, from a date on until another one."""

    tier: str
    tier_rank: int
    growth_threshold: int
    valid_from_date: date = date(2020, 1, 1)
    valid_until_date: date | None = None
    reach: Ways | None = None
    keep: Ways | None = None

    def ways(self, purpose: str) -> Ways:
        reach = growth(self.growth_threshold) if self.reach is None else self.reach
        return reach if purpose == "reach" or self.keep is None else self.keep


@dataclass(frozen=True)
class PolicyVersion:
    """One row of the tier policy's rule table."""

    window_length: int = 12
    period_months: int = 12
    grace_days: int = 30
    valid_from_date: date = date(2020, 1, 1)
    valid_until_date: date | None = None
    window_kind: str = "rolling_months"
    downgrade: str = "one_down"
    carry_over: str = "none"
    cycle_start_month: int | None = None
    cycle_start_day: int | None = None


@dataclass(frozen=True)
class Change:
    """One row of tier_periods with its evidence, without the number and the date of the next."""

    effective_date: date
    from_tier: str
    to_tier: str
    reason: str
    growth_value: int
    period_end_date: date | None
    window_start_date: date
    way_number: int | None
    values: Values
    reversed_values: Values | None
    carried: Values


@dataclass(frozen=True)
class Holding:
    """A tier held, until when, and the day whose score earned it (None: nothing to take back)."""

    rank: int
    period_end: date | None
    earned_on: date | None = None
    score: Values = field(default_factory=dict)
    asked: Values = field(default_factory=dict)
    counted_to: date | None = None
    carried: Values = field(default_factory=dict)
    is_softened: bool = False


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


class Member:
    """One member's life."""

    def __init__(
        self,
        events: list[GrowthEvent],
        tiers: list[TierVersion],
        policies: list[PolicyVersion],
        locks: list[Lock] | None = None,
        metrics: tuple[str, ...] = ("growth",),
    ) -> None:
        self.events = events
        self.tiers = tiers
        self.policies = policies
        self.locks = locks or []
        self.metrics = metrics
        self.days = {event.business_date for event in events}
        self.days |= {lock.from_date - DAY for lock in self.locks}
        self.rule_days = {version.valid_from_date for version in (*tiers, *policies)}
        nothing = dict.fromkeys(metrics, 0)
        self.holdings = [Holding(0, None, asked=nothing, carried=nothing)]
        self.changes: list[Change] = []

    def live(self, closing_date: date) -> list[Change]:
        day = min(self.days)
        while day <= closing_date:
            if day in self.days | self.rule_days or self.is_due(day):
                self.end_of_day(day)
            day += DAY
        return self.changes

    def end_of_day(self, day: date) -> None:
        before, reason, way = self.held, "", None
        reversed_values = None
        if self.is_short(day):
            if self.way(before.rank, "reach", day, self.score(day)):
                self.holdings[-1] = replace(before, earned_on=day, score=self.score(day))
            else:
                reason, reversed_values = "reversal", self.evidence(before, day)
                self.take_back(day)
        score = self.score(day)
        earned = self.best(day, score)
        if earned > self.held.rank:
            if not reason:
                reason, way = "upgrade", self.way(earned, "reach", day, score)
            self.upgrade(day, earned, score)
        elif self.is_due(day):
            rank = self.held.rank
            kept = self.way(rank, "keep", day, score) or self.way(rank, "reach", day, score)
            if not reason:
                reason, way = ("renewal", kept) if kept else ("downgrade", None)
            self.evaluate(day, bool(kept), earned)
        lock = self.lock(day + DAY)
        if lock is not None and self.is_below(lock):
            reason, way, reversed_values = lock.reason, None, None
            self.start_anew(self.rank(lock.tier), lock.until_date)
        if reason:
            value = score["growth"] if reversed_values is None else reversed_values["growth"]
            self.changes.append(
                Change(
                    effective_date=day + DAY,
                    from_tier=self.name(before.rank),
                    to_tier=self.name(self.held.rank),
                    reason=reason,
                    growth_value=value,
                    period_end_date=self.held.period_end,
                    window_start_date=self.window_start(day),
                    way_number=way,
                    values=score,
                    reversed_values=reversed_values,
                    carried=dict(self.held.carried),
                )
            )

    @property
    def held(self) -> Holding:
        return self.holdings[-1]

    def is_due(self, day: date) -> bool:
        period_end = self.held.period_end
        if period_end is None:
            return False
        return day >= period_end + timedelta(days=self.policy(period_end).grace_days)

    def upgrade(self, day: date, rank: int, score: Values) -> None:
        holding = replace(
            self.held,
            rank=rank,
            period_end=self.new_period_end(day),
            earned_on=day,
            score=score,
            asked=dict.fromkeys(self.metrics, 0),
            is_softened=False,
        )
        if self.policy(day).carry_over == "remainder":
            asked = self.asked(rank, day, score)
            holding = replace(holding, asked=asked, counted_to=day, carried=minus(score, asked))
        self.holdings.append(holding)

    def evaluate(self, day: date, is_kept: bool, earned: int) -> None:
        rank, policy = self.held.rank, self.policy(day).downgrade
        below = max(lower for lower in self.in_force(day) if lower < rank)
        softens = policy == "soft_landing" and not self.held.is_softened and not is_kept
        if not is_kept:
            rank = {"one_down": below, "to_base": 0, "requalify": earned, "soft_landing": earned}[
                policy
            ]
        if softens:
            rank = below
        self.start_anew(rank, self.new_period_end(day) if rank else None, softens)

    def start_anew(self, rank: int, period_end: date | None, is_softened: bool = False) -> None:
        counted_to, carried = self.held.counted_to, self.held.carried
        nothing = dict.fromkeys(self.metrics, 0)
        self.holdings = [
            Holding(
                rank,
                period_end,
                asked=nothing,
                counted_to=counted_to,
                carried=carried,
                is_softened=is_softened,
            )
        ]

    def take_back(self, day: date) -> None:
        upgrades = self.holdings[1:]
        previous = self.holdings[0]
        del self.holdings[1:]
        given_back: Values = dict.fromkeys(self.metrics, 0)
        for upgrade in upgrades:
            assert upgrade.earned_on is not None
            counted_to = previous.counted_to
            if counted_to is None or counted_to < self.window_start(upgrade.earned_on):
                given_back = dict.fromkeys(self.metrics, 0)
            previous = upgrade
            evidence = plus(self.evidence(upgrade, day), given_back)
            free = plus(plus(upgrade.carried, upgrade.asked), given_back)
            score = plus(upgrade.score, given_back)
            given_back = plus(given_back, upgrade.asked)
            rank = self.best(upgrade.earned_on, evidence)
            if rank <= self.held.rank:
                continue
            holding = replace(upgrade, rank=rank, score=score)
            if any(upgrade.asked.values()):
                asked = self.asked(rank, upgrade.earned_on, evidence)
                holding = replace(holding, asked=asked, carried=minus(free, asked))
                given_back = minus(given_back, asked)
            else:
                holding = replace(
                    holding, counted_to=self.held.counted_to, carried=self.held.carried
                )
            self.holdings.append(holding)

    def is_short(self, day: date) -> bool:
        held = self.held
        if held.earned_on is None:
            return False
        return not self.way(held.rank, "reach", held.earned_on, self.evidence(held, day))

    def evidence(self, holding: Holding, today: date) -> Values:
        assert holding.earned_on is not None
        lost = dict.fromkeys(self.metrics, 0)
        for event in self.events:
            if (
                event.value < 0
                and holding.earned_on < event.business_date <= today
                and event.origin_date is not None
                and self.window_start(holding.earned_on) <= event.origin_date <= holding.earned_on
            ):
                lost[event.metric] += event.value
        return plus(holding.score, lost)

    def score(self, day: date) -> Values:
        first, counted_to = self.window_start(day), self.held.counted_to
        values, bought_from = dict.fromkeys(self.metrics, 0), first
        if counted_to is not None and counted_to >= first:
            first, values = counted_to + DAY, dict(self.held.carried)
            bought_from = date.min
        for event in self.events:
            is_of_window = (event.origin_date or event.business_date) >= bought_from
            if first <= event.business_date <= day and is_of_window:
                values[event.metric] += event.value
        return values

    def window_start(self, day: date) -> date:
        policy = self.policy(day)
        length = policy.window_length
        if policy.window_kind == "rolling_days":
            return day - timedelta(days=length - 1)
        if policy.window_kind == "rolling_months":
            return months_later(day, -length) + DAY
        if policy.window_kind == "membership_anniversary":
            joined = min(self.days)
            return max(
                start
                for start in (months_later(joined, 12 * years) for years in range(100))
                if start <= day
            )
        assert policy.cycle_start_month is not None
        assert policy.cycle_start_day is not None
        anchor = date(2000, policy.cycle_start_month, policy.cycle_start_day)
        return max(
            start
            for start in (months_later(anchor, length * number) for number in range(600))
            if start <= day
        )

    def new_period_end(self, day: date) -> date:
        return months_later(day + DAY, self.policy(day).period_months) - DAY

    def policy(self, day: date) -> PolicyVersion:
        in_force = [policy for policy in self.policies if policy.valid_from_date <= day]
        return max(in_force or self.policies[:1], key=lambda policy: policy.valid_from_date)

    def in_force(self, day: date) -> dict[int, TierVersion | None]:
        """Versions by rank; of the lowest none is asked."""
        return {
            tier.tier_rank: tier
            for tier in self.tiers
            if tier.valid_from_date <= day
            and (tier.valid_until_date is None or day < tier.valid_until_date)
        } | {0: None}

    def way(self, rank: int, purpose: str, day: date, values: Values) -> int | None:
        """The first way that holds, from 1."""
        version = self.in_force(day).get(rank)
        for number, way in enumerate(version.ways(purpose) if version else (), 1):
            if all(group.holds(values) for group in way.groups):
                return number
        return None

    def asked(self, rank: int, day: date, values: Values) -> Values:
        """What the way that held asked of each metric."""
        version, number = self.in_force(day)[rank], self.way(rank, "reach", day, values)
        assert version is not None
        assert number is not None
        lines = [line for group in version.ways("reach")[number - 1].groups for line in group.lines]
        return {
            metric: max(
                [least for name, least in lines if name == metric and values[name] >= least],
                default=0,
            )
            for metric in self.metrics
        }

    def best(self, day: date, values: Values) -> int:
        ranks = [rank for rank in self.in_force(day) if self.way(rank, "reach", day, values)]
        return max([0, *ranks])

    def lock(self, day: date) -> Lock | None:
        holding = [lock for lock in self.locks if lock.from_date <= day <= lock.until_date]
        holding.sort(key=lambda lock: (lock.from_date, lock.reason))  # of equal ones the first
        return max(holding, key=lambda lock: (self.rank(lock.tier), lock.until_date), default=None)

    def is_below(self, lock: Lock) -> bool:
        rank, period_end = self.rank(lock.tier), self.held.period_end
        if self.held.rank == rank:
            return period_end is not None and period_end < lock.until_date
        return self.held.rank < rank

    def rank(self, tier: str) -> int:
        return next(version.tier_rank for version in self.tiers if version.tier == tier)

    def name(self, rank: int) -> str:
        return next(tier.tier for tier in self.tiers if tier.tier_rank == rank)


def plus(one: Values, other: Values) -> Values:
    return {metric: one[metric] + other[metric] for metric in one}


def minus(one: Values, other: Values) -> Values:
    return {metric: one[metric] - other[metric] for metric in one}
