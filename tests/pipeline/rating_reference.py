"""Bonus rules and caps a second time, slowly: one rule, one member, one activity after another."""

from calendar import isleap
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise


@dataclass(frozen=True)
class Activity:
    """An order (paid_fen > 0) or something else that people do (paid_fen = 0)."""

    activity_id: str
    member_id: str
    business: str
    activity_type: str
    business_date: date
    occurred_at: datetime  # UTC
    merchant_id: str | None
    channel: str
    category: str | None
    paid_fen: int
    tier: str
    rate: int
    left_fen: tuple[int, ...] = ()  # what is left of the order after each refund
    birthday: tuple[int, int] | None = None  # the member's month and day
    missions: tuple[tuple[str, date, date], ...] = ()  # the member's, first day and last
    tags: frozenset[str] = frozenset()  # the member's, on the day
    discount_fen: int = 0
    outcome: str = "awarded"  # of the base rate
    most_points_per_order: int | None = None  # by the base rate


@dataclass(frozen=True)
class Rule:
    """One version of a bonus rule, for one business and kind of activity."""

    rule: str
    business: str
    activity_type: str
    from_date: date
    until_date: date
    award: tuple[str, int, int]  # way, amount, for_each_fen (or 0)
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    weekdays: frozenset[int] = frozenset()
    minutes: tuple[int, int] | None = None
    least_paid_fen: int = 0
    tiers: frozenset[str] = frozenset()
    ordinal: tuple[str, int, int] | None = None  # period, from, until
    birthday: tuple[str, int, int] | None = None  # window, days before, days after
    mission: str | None = None
    tag: str | None = None
    is_full_price_asked: bool = False
    caps: dict[str, int] = field(default_factory=dict)
    group: str | None = None
    rank: int = 0
    campaign: str | None = None


@dataclass(frozen=True)
class Shared:
    """Caps with their days: those that all rules of a campaign share, or a business's own of the
    base rate.
    """

    name: str  # the campaign or the business
    from_date: date
    until_date: date
    caps: dict[str, int]


@dataclass(frozen=True)
class Definition:
    """One version of a tag: so many orders, or so much money, in the days before a day."""

    tag: str
    business: str | None
    from_date: date
    until_date: date
    within_days: int
    orders_at_least: int = 0
    paid_fen_at_least: int = 0


Outcomes = dict[tuple[str, str], tuple[str, int]]


def is_in_scope(rule: Rule, activity: Activity, offset: int) -> bool:
    """Whether an activity is a candidate of the rule; offset: minutes of the clocks before UTC."""
    local = activity.occurred_at + timedelta(minutes=offset)
    minute = local.hour * 60 + local.minute
    if rule.minutes is not None:
        begin, end = rule.minutes
        is_inside = begin <= minute < end if begin <= end else minute >= begin or minute < end
        if not is_inside:
            return False
    return (
        (rule.business, rule.activity_type) == (activity.business, activity.activity_type)
        and rule.from_date <= activity.business_date < rule.until_date
        and all(getattr(activity, name) in allowed for name, allowed in rule.lists.items())
        and (not rule.weekdays or activity.business_date.isoweekday() in rule.weekdays)
    )


def value(rule: Rule, activity: Activity, amount: int) -> int:
    """Points for an amount, before caps."""
    way, number, each = rule.award
    if way == "percent_of_base":
        most = activity.most_points_per_order
        of_all = amount * activity.rate * number // 10**10
        return of_all if most is None else min(of_all, most * number // 100)
    if way == "points_per_10000_fen":
        return amount * number // 10_000
    if each:
        return amount // each * number
    return number if amount > 0 or activity.paid_fen == 0 else 0


def period_of(name: str, day: date) -> object:
    """What two days of one period have in common."""
    weeks = day - timedelta(days=day.weekday())
    return {"day": day, "week": weeks, "month": (day.year, day.month), "year": day.year}.get(name)


def tags_on(
    member: str, day: date, activities: list[Activity], tags: list[Definition]
) -> frozenset[str]:
    """What a member is on a day, by the days before it; refund n comes n days after its order."""
    found = set()
    for tag in tags:
        ages = [
            (a, (day - a.business_date).days)
            for a in activities
            if a.member_id == member and a.paid_fen > 0 and tag.business in (None, a.business)
        ]
        recent = [(a, age) for a, age in ages if 1 <= age <= tag.within_days]
        left = [[a.paid_fen, *a.left_fen][min(age, len(a.left_fen))] for a, age in recent]
        is_enough = (
            len(recent) >= tag.orders_at_least
            if tag.orders_at_least
            else sum(left) >= tag.paid_fen_at_least
        )
        if is_enough and tag.from_date <= day < tag.until_date:
            found.add(tag.tag)
    return frozenset(found)


def birthday_near(rule: Rule, activity: Activity) -> date | None:
    """The birthday for which the rule gives points, day by day."""
    if rule.birthday is None or activity.birthday is None:
        return None
    window, before, after = rule.birthday
    day = activity.business_date
    if window == "month":
        return day.replace(day=1) if day.month == activity.birthday[0] else None
    for distance in range(-before, after + 1):
        other = day - timedelta(days=distance)
        is_moved = activity.birthday == (2, 29) and not isleap(other.year)
        born = (2, 28) if is_moved else activity.birthday
        if (other.month, other.day) == born:
            return other
    return None


def in_order(activities: list[Activity]) -> list[Activity]:
    """The order in which activities use up what caps leave."""
    return sorted(activities, key=lambda a: (a.business_date, a.occurred_at, a.activity_id))


def base_points(activity: Activity, amount: int) -> int:
    """Points of the base rate for an amount, by the rate and the most for one order."""
    points = amount * activity.rate // 10**8
    most = activity.most_points_per_order
    return points if most is None else min(points, most)


def cap_base(activities: list[Activity], shared: list[Shared]) -> list[Activity]:
    """The activities with the base rate's outcome and most points after caps of day and month."""
    had: dict[object, int] = defaultdict(int)
    left = {}
    for activity in in_order(activities):
        if activity.paid_fen == 0 or activity.outcome != "awarded":
            continue
        day, full = activity.business_date, base_points(activity, activity.paid_fen)
        counters = {
            f"points_per_{name}": (
                activity.member_id,
                activity.business,
                name,
                period_of(name, day),
            )
            for name in ("day", "month")
        }
        caps = caps_on(activity.business, day, shared)
        points = min([full, *(max(most - had[counters[name]], 0) for name, most in caps.items())])
        for counter in counters.values():
            had[counter] += points
        if points < full:
            left[activity.activity_id] = points
    return [
        replace(
            activity,
            outcome="awarded" if points else "cap_reached",
            most_points_per_order=points,
        )
        if (points := left.get(activity.activity_id)) is not None
        else activity
        for activity in activities
    ]


def caps_on(name: str, day: date, shared: list[Shared]) -> dict[str, int]:
    """The caps of a campaign or a business that hold on a day."""
    holding = [s for s in shared if s.name == name and s.from_date <= day < s.until_date]
    return holding[0].caps if holding else {}


def base_taken_back(activity: Activity) -> list[int]:
    """What each refund of an order takes back of the base rate's points."""
    kept = [base_points(activity, amount) for amount in [activity.paid_fen, *activity.left_fen]]
    return [before - after for before, after in pairwise(kept)]


def rate_all(
    activities: list[Activity], rules: list[Rule], shared: list[Shared], offset: int
) -> Outcomes:
    """The outcome and points of every candidate."""
    ordered = in_order(activities)
    seen: dict[object, int] = defaultdict(int)
    offered: dict[str, list[tuple[int, int, str, Rule]]] = defaultdict(list)
    outcomes: Outcomes = {}
    for activity in ordered:
        for rule in rules:
            if not is_in_scope(rule, activity, offset):
                continue
            key = (activity.activity_id, rule.rule)
            reason = refusal(rule, activity, seen)
            outcomes[key] = (reason or "", 0)
            if reason is None:
                points = value(rule, activity, activity.paid_fen)
                offered[activity.activity_id].append((-points, rule.rank, rule.rule, rule))
    had: dict[object, list[int]] = defaultdict(list)
    for activity in ordered:
        taken, left = set(), []
        for points, _, name, rule in sorted(offered[activity.activity_id], key=lambda o: o[:3]):
            if rule.group is not None and rule.group in taken:
                outcomes[activity.activity_id, name] = ("outranked", 0)
                continue
            taken.add(rule.group)
            left.append((rule.rank, name, rule, clip(rule, activity, -points, had)))
        for _, name, rule, points in sorted(left, key=lambda each: each[:2]):
            caps = caps_on(rule.campaign or "", activity.business_date, shared)
            given = clip_together(rule.campaign, caps, activity, points, had)
            outcomes[activity.activity_id, name] = ("awarded" if given else "cap_reached", given)
    return outcomes


def refusal(rule: Rule, activity: Activity, seen: dict[object, int]) -> str | None:
    """Why an activity in scope earns nothing; counts it where the rule counts."""
    if activity.paid_fen < rule.least_paid_fen:
        return "below_least_paid"
    place = 1
    if rule.ordinal is not None:
        period, begin, end = rule.ordinal
        counter = (rule.rule, activity.member_id, period_of(period, activity.business_date))
        seen[counter] += 1
        place = seen[counter]
    of_base = rule.award[0] == "percent_of_base"
    if activity.outcome == "channel_excluded" and (of_base or "channel" not in rule.lists):
        return "channel_excluded"
    if of_base and activity.outcome in ("discounted", "no_rule_in_force", "cap_reached"):
        return activity.outcome
    if rule.is_full_price_asked and activity.discount_fen > 0:
        return "discounted"
    if rule.tiers and activity.tier not in rule.tiers:
        return "tier_not_eligible"
    if rule.birthday is not None and activity.birthday is None:
        return "birthday_unknown"
    if rule.birthday is not None and birthday_near(rule, activity) is None:
        return "not_birthday"
    if rule.mission is not None and not any(
        name == rule.mission and first <= activity.business_date <= last
        for name, first, last in activity.missions
    ):
        return "no_mission"
    if rule.tag is not None and rule.tag not in activity.tags:
        return "no_tag"
    if rule.ordinal is not None and not begin <= place <= end:
        return "not_the_nth"
    return None if value(rule, activity, activity.paid_fen) else "below_one_point"


def clip(rule: Rule, activity: Activity, points: int, had: dict[object, list[int]]) -> int:
    """What the caps leave; remembers it."""
    points = min(points, rule.caps.get("points_per_activity", points))
    counters = {
        suffix: (rule.rule, activity.member_id, suffix, period_of(name, activity.business_date))
        for name, suffix in (("day", "per_day"), ("month", "per_month"), ("", "in_all"))
    }
    year = (birthday_near(rule, activity) or activity.business_date).year
    counters["per_year"] = (rule.rule, activity.member_id, "per_year", year)
    return use_up(rule.caps, counters, points, had)


def clip_together(
    campaign: str | None, caps: dict[str, int], activity: Activity, points: int,
    had: dict[object, list[int]],
) -> int:  # fmt: skip
    """What the caps of a rule's campaign leave of what its own caps left; remembers it."""
    if campaign is None:
        return points
    day = activity.business_date
    counters: dict[str, object] = {
        suffix: ("campaign", campaign, activity.member_id, suffix, period_of(name, day))
        for name, suffix in (("day", "per_day"), ("month", "per_month"), ("year", "per_year"),
                             ("", "in_all"))
    }  # fmt: skip
    counters["per_activity"] = ("campaign", campaign, activity.activity_id)
    return use_up(caps, counters, points, had)


def use_up(
    caps: dict[str, int], counters: dict[str, object], points: int, had: dict[object, list[int]]
) -> int:
    """What caps leave, by the counters of their periods, in which it is put down."""
    for suffix, counter in counters.items():
        before = [each for each in had[counter] if each > 0]
        if len(before) >= caps.get(f"awards_{suffix}", len(before) + 1):
            points = 0
        if (most := caps.get(f"points_{suffix}")) is not None:
            points = min(points, max(most - sum(before), 0))
    for counter in counters.values():
        had[counter].append(points)
    return points


def taken_back(rule: Rule, activity: Activity, awarded: int) -> list[int]:
    """What each refund of an order takes back of a bonus."""
    amounts = [activity.paid_fen, *activity.left_fen]
    kept = [
        0 if amount < rule.least_paid_fen else min(value(rule, activity, amount), awarded)
        for amount in amounts
    ]
    return [before - after for before, after in pairwise(kept)]
