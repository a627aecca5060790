"""Cases of tiers, each side of every threshold and date, worked by hand (RULES §6, C12)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.ledger.tables import changes_of, tier_rows
from tests.ledger.tier_reference import (
    Change,
    Group,
    GrowthEvent,
    Lock,
    PolicyVersion,
    TierVersion,
    Way,
    Ways,
)

METRICS = ("growth", "visits", "nights", "points")
BASIC = TierVersion("basic", 0, 0)
SILVER = TierVersion("silver", 1, 10)
GOLD = TierVersion("gold", 2, 20)
DIAMOND = TierVersion("diamond", 3, 40)
FOUR = [BASIC, SILVER, GOLD, DIAMOND]
D1 = date(2024, 1, 1)
DAY = timedelta(days=1)


def changes(
    *events: GrowthEvent,
    until: date,
    tiers: list[TierVersion] = FOUR,
    locks: tuple[Lock, ...] = (),
    **policy: object,
) -> list[Change]:
    version = replace(PolicyVersion(), **policy)  # type: ignore[arg-type]
    rows = tier_rows(events, tiers, [version], until, locks, METRICS)
    return changes_of(rows, len(METRICS))


def moves(found: list[Change]) -> list[tuple[date, str, str, str]]:
    return [(each.effective_date, each.from_tier, each.to_tier, each.reason) for each in found]


def grow(day: date, value: int, metric: str = "growth") -> GrowthEvent:
    return GrowthEvent(day, value, metric=metric)


def refund(day: date, value: int, of: date, metric: str = "growth") -> GrowthEvent:
    return GrowthEvent(day, -value, of, metric=metric)


# Windows: the first day is in, the day before is out.


@pytest.mark.parametrize(
    ("policy", "today", "first_day"),
    [
        # RULES §6: rolling 365 days ending 2026-01-31 starts 2025-02-01.
        ({"window_kind": "rolling_days", "window_length": 365}, "2026-01-31", "2025-02-01"),
        ({"window_kind": "rolling_days", "window_length": 366}, "2024-12-31", "2024-01-01"),
        ({"window_kind": "rolling_days", "window_length": 1}, "2026-01-31", "2026-01-31"),
        ({"window_kind": "rolling_months", "window_length": 12}, "2026-01-31", "2025-02-01"),
        ({"window_kind": "rolling_months", "window_length": 12}, "2025-02-28", "2024-02-29"),
        ({"window_kind": "rolling_months", "window_length": 1}, "2024-03-31", "2024-03-01"),
        (
            {"window_length": 12, "cycle_start_month": 1, "cycle_start_day": 1},
            "2026-12-31",
            "2026-01-01",
        ),
        (
            {"window_length": 12, "cycle_start_month": 1, "cycle_start_day": 1},
            "2026-01-01",
            "2026-01-01",
        ),
        (
            {"window_length": 12, "cycle_start_month": 4, "cycle_start_day": 1},
            "2026-03-31",
            "2025-04-01",
        ),
        (
            {"window_length": 12, "cycle_start_month": 4, "cycle_start_day": 1},
            "2026-04-01",
            "2026-04-01",
        ),
        (
            {"window_length": 6, "cycle_start_month": 3, "cycle_start_day": 15},
            "2026-09-14",
            "2026-03-15",
        ),
        (
            {"window_length": 6, "cycle_start_month": 3, "cycle_start_day": 15},
            "2026-09-15",
            "2026-09-15",
        ),
        (
            {"window_length": 6, "cycle_start_month": 3, "cycle_start_day": 15},
            "2026-02-28",
            "2025-09-15",
        ),
    ],
)
def test_a_window_begins_on_its_first_day_and_not_before(
    policy: dict[str, object], today: str, first_day: str
) -> None:
    kind = {"window_kind": "cycle"} | policy
    day, first = date.fromisoformat(today), date.fromisoformat(first_day)
    [found] = changes(grow(first, 4), grow(day, 6), until=day, **kind)
    assert found.window_start_date == first
    assert found.values["growth"] == 10
    if first > date(2020, 1, 1):
        before = first - DAY
        assert changes(grow(before, 4), grow(day, 6), until=day, **kind) == []


@pytest.mark.parametrize(
    ("joined", "today", "first_day"),
    [
        ("2023-05-10", "2024-05-09", "2023-05-10"),
        ("2023-05-10", "2024-05-10", "2024-05-10"),
        ("2024-02-29", "2025-02-27", "2024-02-29"),
        ("2024-02-29", "2025-02-28", "2025-02-28"),
        ("2024-02-29", "2028-02-28", "2027-02-28"),
        ("2024-02-29", "2028-02-29", "2028-02-29"),
    ],
)
def test_a_membership_year_begins_on_the_day_of_the_first_activity(
    joined: str, today: str, first_day: str
) -> None:
    day = date.fromisoformat(today)
    events = [grow(date.fromisoformat(joined), 1), grow(day, 12)]
    [found] = changes(*events, until=day, window_kind="membership_anniversary")
    assert found.window_start_date == date.fromisoformat(first_day)
    assert found.values["growth"] == 12 + (joined == first_day)


# Conditions


def way(*groups: tuple[int, tuple[tuple[str, int], ...]]) -> Way:
    return Way(tuple(Group(needed, lines) for needed, lines in groups))


# RULES §6: gold from 20,000, or by any two of 12 visits, 5 nights, 8,000 points.
TWO_OF_THREE = (("visits", 12), ("nights", 5), ("points", 8000))
COMPOSITE: Ways = (way((1, (("growth", 20_000),))), way((2, TWO_OF_THREE)))
COMPOSITE_TIERS = [BASIC, TierVersion("gold", 1, 0, reach=COMPOSITE)]


@pytest.mark.parametrize(
    ("growth", "visits", "nights", "points", "held"),
    [
        (19_999, 0, 0, 0, None),
        (20_000, 0, 0, 0, 1),
        (20_000, 12, 5, 8000, 1),
        (0, 12, 0, 0, None),
        (0, 0, 5, 0, None),
        (0, 0, 0, 8000, None),
        (0, 12, 5, 0, 2),
        (0, 12, 0, 8000, 2),
        (0, 0, 5, 8000, 2),
        (0, 11, 5, 7999, None),
        (0, 12, 4, 7999, None),
        (0, 11, 4, 8000, None),
        (0, 12, 5, 8000, 2),
        (19_999, 12, 4, 7999, None),
    ],
)
def test_gold_needs_the_score_or_any_two_of_three(
    growth: int, visits: int, nights: int, points: int, held: int | None
) -> None:
    given = dict(zip(METRICS, (growth, visits, nights, points), strict=True))
    events = [grow(D1, value, name) for name, value in given.items() if value]
    found = changes(*events, until=D1, tiers=COMPOSITE_TIERS)
    if held is None:
        assert found == []
        return
    assert [(each.to_tier, each.way_number, each.values) for each in found] == [
        ("gold", held, given)
    ]


def test_the_composite_score_adds_mall_spend_nights_and_half_the_property_fee() -> None:
    """¥12,000 at the mall + 11 nights x 500 + ¥5,000 property fee x 0.5 = 20,000."""
    events = [grow(D1, 12_000), grow(D1 + DAY, 11 * 500), grow(D1 + 2 * DAY, 2_500)]
    assert changes(*events[:2], until=D1 + 9 * DAY, tiers=COMPOSITE_TIERS) == []
    [found] = changes(*events, until=D1 + 9 * DAY, tiers=COMPOSITE_TIERS)
    assert (found.effective_date, found.values["growth"]) == (D1 + 3 * DAY, 20_000)
    short = [*events[:2], grow(D1 + 2 * DAY, 2_499)]
    assert changes(*short, until=D1 + 9 * DAY, tiers=COMPOSITE_TIERS) == []


@pytest.mark.parametrize(
    ("growth", "nights", "visits", "is_reached"),
    [(10, 2, 0, True), (10, 0, 3, True), (10, 1, 2, False), (9, 2, 3, False), (10, 2, 3, True)],
)
def test_all_groups_of_a_way_must_hold(
    growth: int, nights: int, visits: int, is_reached: bool
) -> None:
    """10 growth, and 2 nights or 3 visits."""
    both = way((1, (("growth", 10),)), (1, (("nights", 2), ("visits", 3))))
    tiers = [BASIC, TierVersion("gold", 1, 0, reach=(both,))]
    events = [grow(D1, growth), grow(D1, nights, "nights"), grow(D1, visits, "visits")]
    assert bool(changes(*events, until=D1, tiers=tiers)) == is_reached


KEPT_BY_15 = [BASIC, SILVER, replace(GOLD, keep=(way((1, (("growth", 15),))),))]


@pytest.mark.parametrize(
    ("growth", "to_tier", "reason"), [(14, "silver", "downgrade"), (15, "gold", "renewal")]
)
def test_a_tier_is_kept_by_its_own_condition(growth: int, to_tier: str, reason: str) -> None:
    late = grow(date(2025, 1, 10), growth)
    found = changes(grow(D1, 20), late, until=date(2025, 1, 31), tiers=KEPT_BY_15)
    assert moves(found)[1:] == [(date(2025, 2, 1), "gold", to_tier, reason)]
    assert changes(grow(D1, growth + 4), until=D1, tiers=KEPT_BY_15)[0].to_tier == "silver"


def test_who_would_reach_a_tier_again_keeps_it_whatever_keeping_asks_for() -> None:
    harder = [BASIC, SILVER, replace(GOLD, keep=(way((1, (("growth", 30),))),))]
    late = grow(date(2025, 1, 10), 20)
    found = changes(grow(D1, 20), late, until=date(2025, 1, 31), tiers=harder)
    assert moves(found)[1:] == [(date(2025, 2, 1), "gold", "gold", "renewal")]


# Downgrades: diamond from 2 January 2024, judged on 31 January 2025 and, later, on 2 March 2026.


def judged(policy: str, first: int, second: int = 0) -> list[tuple[date, str, str, str]]:
    """Diamond, then so much growth before each of the two judgements."""
    events = [grow(D1, 40)]
    events += [grow(date(2025, 1, 20), first)] if first else []
    events += [grow(date(2026, 2, 20), second)] if second else []
    return moves(changes(*events, until=date(2026, 3, 31), downgrade=policy))[1:]


FIRST, SECOND = date(2025, 2, 1), date(2026, 3, 3)


@pytest.mark.parametrize(
    ("policy", "first", "second", "expected"),
    [
        ("one_down", 0, 0, [("diamond", "gold"), ("gold", "silver")]),
        ("one_down", 10, 0, [("diamond", "gold"), ("gold", "silver")]),
        ("requalify", 0, 0, [("diamond", "basic")]),
        ("requalify", 9, 0, [("diamond", "basic")]),
        ("requalify", 10, 0, [("diamond", "silver"), ("silver", "basic")]),
        ("requalify", 39, 20, [("diamond", "gold"), ("gold", "gold")]),
        ("to_base", 39, 0, [("diamond", "basic")]),
        ("soft_landing", 0, 0, [("diamond", "gold"), ("gold", "basic")]),
        ("soft_landing", 0, 10, [("diamond", "gold"), ("gold", "silver")]),
        ("soft_landing", 0, 20, [("diamond", "gold"), ("gold", "gold")]),
    ],
)
def test_each_policy_goes_down_its_own_way(
    policy: str, first: int, second: int, expected: list[tuple[str, str]]
) -> None:
    found = judged(policy, first, second)
    assert [(before, after) for _, before, after, _ in found] == expected
    assert [day for day, *_ in found] == [FIRST, SECOND][: len(expected)]


def test_a_soft_landing_starts_anew_after_a_renewal() -> None:
    """One down in 2025, kept in 2026, one down again in 2027."""
    events = [grow(D1, 40), grow(date(2026, 2, 20), 20)]
    found = changes(*events, until=date(2027, 4, 30), downgrade="soft_landing")
    assert [(each.from_tier, each.to_tier) for each in found[1:]] == [
        ("diamond", "gold"),
        ("gold", "gold"),
        ("gold", "silver"),
    ]


@pytest.mark.parametrize("grace", [0, 1, 30])
def test_the_last_day_of_grace_judges_and_the_day_before_does_not(grace: int) -> None:
    """The period of an upgrade on 1 January 2024 ends on 1 January 2025."""
    day = date(2025, 1, 1) + grace * DAY
    assert len(changes(grow(D1, 40), until=day - DAY, grace_days=grace)) == 1
    found = changes(grow(D1, 40), until=day, grace_days=grace)
    assert moves(found)[1:] == [(day + DAY, "diamond", "gold", "downgrade")]


# Remainders


def test_an_upgrade_deducts_its_threshold_and_carries_the_rest_on() -> None:
    """25 -> gold, 5 carried. 35 more make 40: diamond, 0 carried; without them it is 39."""
    june = date(2024, 6, 1)
    found = changes(grow(D1, 25), grow(june, 35), until=june, carry_over="remainder")
    assert [(each.to_tier, each.values["growth"], each.carried["growth"]) for each in found] == [
        ("gold", 25, 5),
        ("diamond", 40, 0),
    ]
    assert len(changes(grow(D1, 25), grow(june, 34), until=june, carry_over="remainder")) == 1
    assert len(changes(grow(D1, 25), grow(june, 15), until=june)) == 2  # none is deducted


@pytest.mark.parametrize(("growth", "reason"), [(14, "downgrade"), (15, "renewal")])
def test_what_was_carried_on_helps_to_keep_the_tier(growth: int, reason: str) -> None:
    """Gold with 25 on 10 January 2024: 5 stand for all before. Judged on 9 February 2025, they
    are out of the window of 12 months; of 14 months they are in it, and 15 more keep gold.
    """
    bought, later = date(2024, 1, 10), date(2025, 2, 1)
    day = date(2025, 2, 9)
    found = changes(
        grow(bought, 25), grow(later, growth), until=day, carry_over="remainder", window_length=14
    )
    assert [each.reason for each in found] == ["upgrade", reason]
    assert found[1].values["growth"] == 5 + growth
    out = changes(grow(bought, 25), grow(later, 19), until=day, carry_over="remainder")
    assert (out[1].reason, out[1].values["growth"]) == ("downgrade", 19)


def test_only_the_metrics_of_the_way_that_held_are_deducted() -> None:
    events = [grow(D1, 13, "visits"), grow(D1, 6, "nights"), grow(D1, 7999, "points")]
    [found] = changes(*events, until=D1, tiers=COMPOSITE_TIERS, carry_over="remainder")
    assert found.carried == {"growth": 0, "visits": 1, "nights": 1, "points": 7999}


def test_a_reversal_gives_back_what_the_upgrade_deducted() -> None:
    """25 -> gold, 5 carried. 6 refunded: 19 earn silver, which deducts 10; 15 - 6 = 9 count on."""
    march, april = date(2024, 3, 1), date(2024, 4, 1)
    events = [grow(D1, 25), refund(march, 6, D1)]
    found = changes(*events, until=march, carry_over="remainder")
    assert moves(found)[1:] == [(march + DAY, "gold", "silver", "reversal")]
    assert found[1].reversed_values == {"growth": 19, "visits": 0, "nights": 0, "points": 0}
    assert (found[1].carried["growth"], found[1].values["growth"]) == (15, 9)
    again = changes(*events, grow(april, 11), until=april, carry_over="remainder")
    assert moves(again)[2:] == [(april + DAY, "silver", "gold", "upgrade")]
    assert len(changes(*events, grow(april, 10), until=april, carry_over="remainder")) == 2


def test_what_an_earlier_upgrade_deducted_is_given_back_to_the_one_after_it() -> None:
    """12 -> silver, 2 carried; 18 more -> gold with 20. 11 of the first are refunded: silver is
    gone with its 10, which gold gets back: 20 - 11 + 10 = 19, silver.
    """
    may, june = date(2024, 5, 1), date(2024, 6, 1)
    events = [grow(D1, 12), grow(may, 18), refund(june, 11, D1)]
    found = changes(*events, until=june, carry_over="remainder")
    assert moves(found) == [
        (D1 + DAY, "basic", "silver", "upgrade"),
        (may + DAY, "silver", "gold", "upgrade"),
        (june + DAY, "gold", "silver", "reversal"),
    ]
    assert found[2].carried["growth"] == 20  # of all 30, less the 10 that silver asks for
    assert found[2].values["growth"] == 9


# Refunds of other metrics


@pytest.mark.parametrize(("metric", "is_reversed"), [("nights", True), ("growth", False)])
def test_a_refund_reverses_the_upgrade_whose_condition_it_breaks_the_same_night(
    metric: str, is_reversed: bool
) -> None:
    events = [grow(D1, 12, "visits"), grow(D1, 5, "nights"), grow(D1, 300)]
    day = date(2024, 3, 1)
    found = changes(*events, refund(day, 1, D1, metric), until=day, tiers=COMPOSITE_TIERS)
    expected = [(D1 + DAY, "basic", "gold", "upgrade")]
    expected += [(day + DAY, "gold", "basic", "reversal")] if is_reversed else []
    assert moves(found) == expected


# Locks


def locked(
    first: date, last: date, *events: GrowthEvent, until: date, grace: int = 0
) -> list[Change]:
    lock = Lock("gold", first, last)
    return changes(*events, locks=(lock,), until=until, grace_days=grace)


MARCH, JUNE = date(2024, 3, 1), date(2024, 6, 30)


def test_a_lock_holds_its_tier_from_its_first_day_and_is_judged_at_the_end_of_its_last() -> None:
    assert locked(MARCH, JUNE, until=MARCH - DAY)[0].effective_date == MARCH
    [lifted] = locked(MARCH, JUNE, until=JUNE - DAY)
    assert (lifted.from_tier, lifted.to_tier, lifted.reason) == ("basic", "gold", "lock")
    assert lifted.period_end_date == JUNE
    found = locked(MARCH, JUNE, until=JUNE)
    assert moves(found)[1:] == [(JUNE + DAY, "gold", "silver", "downgrade")]


def test_grace_counts_after_a_lock_too() -> None:
    end = JUNE + 30 * DAY
    assert len(locked(MARCH, JUNE, until=end - DAY, grace=30)) == 1
    assert moves(locked(MARCH, JUNE, until=end, grace=30))[1:] == [
        (end + DAY, "gold", "silver", "downgrade")
    ]


def test_a_tier_brought_along_is_held_through_its_day_and_then_goes_down_as_any() -> None:
    brought = (
        Lock("silver", MARCH, JUNE, reason="migration"),
        Lock("gold", MARCH, JUNE, reason="migration"),
    )
    held = (MARCH, "basic", "gold", "migration")
    end = JUNE + 30 * DAY
    assert moves(changes(locks=brought, until=MARCH - DAY)) == [held]
    assert moves(changes(locks=brought, until=end - DAY)) == [held]
    assert moves(changes(locks=brought, until=end)) == [
        held,
        (end + DAY, "gold", "silver", "downgrade"),
    ]


def test_a_tier_brought_along_does_not_lower_a_higher_one_and_stays_when_that_is_refunded() -> None:
    february = MARCH - 10 * DAY
    brought = (Lock("gold", MARCH, JUNE, reason="migration"),)
    events = (grow(february, 40), refund(MARCH + DAY, 39, of=february))
    assert moves(changes(*events, locks=brought, until=JUNE - DAY)) == [
        (february + DAY, "basic", "diamond", "upgrade"),
        (MARCH + 2 * DAY, "diamond", "gold", "migration"),
    ]


def test_of_a_lock_and_a_tier_brought_along_that_promise_the_same_the_first_is_the_reason() -> None:
    lock, brought = Lock("gold", MARCH, JUNE), Lock("gold", MARCH, JUNE, reason="migration")
    assert moves(changes(locks=(brought, lock), until=MARCH)) == [(MARCH, "basic", "gold", "lock")]


def test_who_earned_the_tier_meanwhile_keeps_it_after_the_lock() -> None:
    found = locked(MARCH, JUNE, grow(date(2024, 5, 1), 20), until=JUNE)
    assert moves(found)[1:] == [(JUNE + DAY, "gold", "gold", "renewal")]


def test_a_lock_is_the_least_that_is_held() -> None:
    """An upgrade goes above it; refunding that falls back on it, not below."""
    april, may = date(2024, 4, 1), date(2024, 5, 1)
    found = locked(MARCH, JUNE, grow(april, 40), refund(may, 40, april), until=may)
    assert moves(found) == [
        (MARCH, "basic", "gold", "lock"),
        (april + DAY, "gold", "diamond", "upgrade"),
        (may + DAY, "diamond", "gold", "reversal"),
    ]


def test_a_lock_on_the_tier_that_is_held_makes_its_period_last_as_long() -> None:
    """Gold by growth until 1 January 2025; locked through 30 June 2025, judged then."""
    lock = (date(2024, 12, 1), date(2025, 6, 30))
    found = locked(*lock, grow(D1, 20), until=lock[1])
    assert moves(found)[1:] == [
        (lock[0], "gold", "gold", "lock"),
        (lock[1] + DAY, "gold", "silver", "downgrade"),
    ]
    assert found[1].period_end_date == lock[1]
    shorter = locked(lock[0], date(2025, 1, 1), grow(D1, 20), until=date(2024, 12, 31))
    assert len(shorter) == 1


def test_a_lock_on_a_lower_tier_only_stops_the_fall() -> None:
    lock = Lock("gold", date(2024, 12, 1), date(2025, 6, 30))
    found = changes(
        grow(D1, 40), locks=(lock,), until=date(2025, 7, 1), downgrade="to_base", grace_days=0
    )
    assert moves(found) == [
        (D1 + DAY, "basic", "diamond", "upgrade"),
        (date(2025, 1, 2), "diamond", "gold", "lock"),
        (date(2025, 7, 1), "gold", "basic", "downgrade"),
    ]


def test_of_two_locks_the_higher_tier_counts_and_then_the_other() -> None:
    locks = (Lock("diamond", MARCH, JUNE), Lock("gold", MARCH, date(2024, 12, 31)))
    found = changes(locks=locks, until=date(2024, 12, 31), downgrade="to_base", grace_days=0)
    assert moves(found) == [
        (MARCH, "basic", "diamond", "lock"),
        (JUNE + DAY, "diamond", "gold", "lock"),
        (date(2025, 1, 1), "gold", "basic", "downgrade"),
    ]


# Spending points is no event of tiers at all; a tier inserted between two is one version more.


def test_a_tier_inserted_between_two_holds_for_everybody_from_the_first_day() -> None:
    """Rerun with jade at 30: who had 35 and was gold is jade; who had 40 stays diamond."""
    jade = [BASIC, SILVER, GOLD, TierVersion("jade", 3, 30), TierVersion("diamond", 4, 40)]
    for growth, before, after in (
        (29, "gold", "gold"),
        (35, "gold", "jade"),
        (40, "diamond", "diamond"),
    ):
        assert changes(grow(D1, growth), until=D1)[0].to_tier == before
        assert changes(grow(D1, growth), until=D1, tiers=jade)[0].to_tier == after
    fallen = changes(grow(D1, 40), until=date(2025, 1, 31), tiers=jade)
    assert moves(fallen)[1:] == [(date(2025, 2, 1), "diamond", "jade", "downgrade")]
