"""The tier rules of ledger/README.md a second time: a day at a time, apart from the fold."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)


@dataclass(frozen=True)
class GrowthEvent:
    """One row of int_growth_events."""

    business_date: date
    growth_value: int
    origin_date: date | None = None
    member_id: str = "M1"


@dataclass(frozen=True)
class TierVersion:
    """One row of the tiers' rule table."""

    tier: str
    tier_rank: int
    growth_threshold: int
    valid_from_date: date = date(2020, 1, 1)
    valid_until_date: date | None = None


@dataclass(frozen=True)
class PolicyVersion:
    """One row of the tier policy's rule table."""

    window_months: int = 12
    period_months: int = 12
    grace_days: int = 30
    valid_from_date: date = date(2020, 1, 1)
    valid_until_date: date | None = None


@dataclass(frozen=True)
class Change:
    """One row of tier_periods, without the number and the date of the next one."""

    effective_date: date
    from_tier: str
    to_tier: str
    reason: str
    growth_value: int
    period_end_date: date | None


@dataclass(frozen=True)
class Holding:
    """A tier held, until when, and the day whose score earned it (None: nothing to take back)."""

    rank: int
    period_end: date | None
    earned_on: date | None = None


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last day."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(years, month + 1, min(day.day, calendar.monthrange(years, month + 1)[1]))


class Member:
    """One member's life."""

    def __init__(
        self, events: list[GrowthEvent], tiers: list[TierVersion], policies: list[PolicyVersion]
    ) -> None:
        self.events = events
        self.tiers = tiers
        self.policies = policies
        self.holdings = [Holding(0, None)]
        self.changes: list[Change] = []

    def live(self, closing_date: date) -> list[Change]:
        day = min(event.business_date for event in self.events)
        while day <= closing_date:
            self.end_of_day(day, any(event.business_date == day for event in self.events))
            day += DAY
        return self.changes

    def end_of_day(self, day: date, has_events: bool) -> None:
        if not has_events and not self.is_due(day):
            return
        before, reason, growth = self.held.rank, "", self.score(day)
        if self.is_short(day):
            if self.reaches(before, day, self.score(day)):
                self.holdings[-1] = Holding(before, self.held.period_end, day)
            else:
                reason, growth = "reversal", self.evidence(self.held, day)
                self.take_back(day)
        earned = self.best(day, self.score(day))
        if earned > self.held.rank:
            self.holdings.append(Holding(earned, self.new_period_end(day), day))
            reason = reason or "upgrade"
        elif self.is_due(day):
            rank = self.held.rank
            if self.reaches(rank, day, self.score(day)):
                reason = reason or "renewal"
            else:
                reason = reason or "downgrade"
                rank = max(lower for lower in self.in_force(day) if lower < rank)
            self.holdings = [Holding(rank, self.new_period_end(day) if rank else None)]
        if reason:
            self.changes.append(
                Change(
                    effective_date=day + DAY,
                    from_tier=self.name(before),
                    to_tier=self.name(self.held.rank),
                    reason=reason,
                    growth_value=growth,
                    period_end_date=self.held.period_end,
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

    def take_back(self, day: date) -> None:
        upgrades = self.holdings[1:]
        del self.holdings[1:]
        for upgrade in upgrades:
            assert upgrade.earned_on is not None
            rank = self.best(upgrade.earned_on, self.evidence(upgrade, day))
            if rank > self.held.rank:
                self.holdings.append(Holding(rank, upgrade.period_end, upgrade.earned_on))

    def is_short(self, day: date) -> bool:
        held = self.held
        if held.earned_on is None:
            return False
        return not self.reaches(held.rank, held.earned_on, self.evidence(held, day))

    def evidence(self, holding: Holding, today: date) -> int:
        assert holding.earned_on is not None
        refunded = sum(
            event.growth_value
            for event in self.events
            if event.growth_value < 0
            and holding.earned_on < event.business_date <= today
            and event.origin_date is not None
            and self.window_start(holding.earned_on) <= event.origin_date <= holding.earned_on
        )
        return self.score(holding.earned_on) + refunded

    def score(self, day: date) -> int:
        first = self.window_start(day)
        return sum(
            event.growth_value for event in self.events if first <= event.business_date <= day
        )

    def window_start(self, day: date) -> date:
        return months_later(day, -self.policy(day).window_months) + DAY

    def new_period_end(self, day: date) -> date:
        return months_later(day + DAY, self.policy(day).period_months) - DAY

    def policy(self, day: date) -> PolicyVersion:
        in_force = [policy for policy in self.policies if policy.valid_from_date <= day]
        return max(in_force or self.policies[:1], key=lambda policy: policy.valid_from_date)

    def in_force(self, day: date) -> dict[int, int]:
        """Thresholds by rank."""
        return {
            tier.tier_rank: tier.growth_threshold
            for tier in self.tiers
            if tier.valid_from_date <= day
            and (tier.valid_until_date is None or day < tier.valid_until_date)
        } | {0: 0}

    def reaches(self, rank: int, day: date, score: int) -> bool:
        thresholds = self.in_force(day)
        return rank in thresholds and score >= thresholds[rank]

    def best(self, day: date, score: int) -> int:
        ranks = [rank for rank in self.in_force(day) if rank and self.reaches(rank, day, score)]
        return max([0, *ranks])

    def name(self, rank: int) -> str:
        return next(tier.tier for tier in self.tiers if tier.tier_rank == rank)
