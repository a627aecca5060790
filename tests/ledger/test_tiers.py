"""The tier fold worked by hand (RULES §6): silver from 10, gold from 20, diamond from 40."""

from datetime import date

import pytest

from ingest.core.errors import Problem
from tests.ledger.tables import tier_rows, tier_rule_tables
from tests.ledger.tier_reference import GrowthEvent, PolicyVersion, TierVersion

BASIC = TierVersion("basic", 0, 0)
TIERS_OF_FOUR = [
    BASIC,
    TierVersion("silver", 1, 10),
    TierVersion("gold", 2, 20),
    TierVersion("diamond", 3, 40),
]
# A period that starts on 2 January 2024 ends on 1 January 2025 and is judged on 31 January 2025.
POLICY = [PolicyVersion(window_length=12, period_months=12, grace_days=30)]
Row = tuple[date, str, str, str, int, date | None]


def changes(
    *events: GrowthEvent,
    until: date,
    tiers: list[TierVersion] = TIERS_OF_FOUR,
    policy: list[PolicyVersion] = POLICY,
) -> list[Row]:
    """What the fold writes: effective date, from, to, reason, growth value, period end."""
    rows = tier_rows(list(events), tiers, policy, until)
    return [
        (
            row["effective_date"],
            row["from_tier"],
            row["to_tier"],
            row["reason"],
            row["growth_value"],
            row["period_end_date"],
        )
        for row in rows
    ]


def grow(day: date, value: int) -> GrowthEvent:
    return GrowthEvent(day, value)


def refund(day: date, value: int, of: date) -> GrowthEvent:
    return GrowthEvent(day, -value, of)


D1 = date(2024, 1, 1)
TO_GOLD = (date(2024, 1, 2), "basic", "gold", "upgrade", 20, date(2025, 1, 1))


@pytest.mark.parametrize(
    ("growth", "tier"),
    [(9, None), (10, "silver"), (19, "silver"), (20, "gold"), (39, "gold"), (40, "diamond")],
)
def test_a_day_upgrades_to_the_highest_tier_it_reaches_from_the_next_day_on(
    growth: int, tier: str | None
) -> None:
    expected = [(date(2024, 1, 2), "basic", tier, "upgrade", growth, date(2025, 1, 1))]
    assert changes(grow(D1, growth), until=D1) == (expected if tier else [])


def test_the_events_of_a_day_count_together() -> None:
    assert changes(grow(D1, 25), refund(D1, 6, D1), until=D1) == [
        (date(2024, 1, 2), "basic", "silver", "upgrade", 19, date(2025, 1, 1))
    ]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (date(2025, 1, 31), []),
        (
            date(2025, 2, 1),
            [(date(2026, 2, 1), "basic", "silver", "upgrade", 10, date(2027, 1, 31))],
        ),
    ],
)
def test_twelve_months_ending_on_31_january_2026_start_on_1_february_2025(
    first: date, expected: list[Row]
) -> None:
    assert changes(grow(first, 5), grow(date(2026, 1, 31), 5), until=date(2026, 1, 31)) == expected


def test_nothing_is_evaluated_before_the_days_of_grace_are_over() -> None:
    assert changes(grow(D1, 20), until=date(2025, 1, 30)) == [TO_GOLD]


def test_at_the_end_of_grace_a_tier_no_longer_earned_goes_one_down() -> None:
    """31 January 2025: the window starts on 1 February 2024, so nothing is left in it."""
    assert changes(grow(D1, 20), until=date(2025, 1, 31)) == [
        TO_GOLD,
        (date(2025, 2, 1), "gold", "silver", "downgrade", 0, date(2026, 1, 31)),
    ]


def test_growth_on_the_last_day_of_grace_renews_and_a_day_later_it_is_too_late() -> None:
    last_day = grow(date(2025, 1, 31), 20)
    assert changes(grow(D1, 20), last_day, until=date(2025, 2, 1)) == [
        TO_GOLD,
        (date(2025, 2, 1), "gold", "gold", "renewal", 20, date(2026, 1, 31)),
    ]
    day_after = grow(date(2025, 2, 1), 20)
    assert changes(grow(D1, 20), day_after, until=date(2025, 2, 1)) == [
        TO_GOLD,
        (date(2025, 2, 1), "gold", "silver", "downgrade", 0, date(2026, 1, 31)),
        (date(2025, 2, 2), "silver", "gold", "upgrade", 20, date(2026, 2, 1)),
    ]


@pytest.mark.parametrize(("growth", "reason"), [(19, "downgrade"), (20, "renewal")])
def test_the_threshold_of_the_tier_held_decides_about_its_renewal(growth: int, reason: str) -> None:
    rows = changes(grow(D1, 20), grow(date(2025, 1, 10), growth), until=date(2025, 1, 31))
    assert [(row[3], row[4]) for row in rows[1:]] == [(reason, growth)]


def test_diamond_with_a_base_score_loses_one_tier_a_period_and_ends_basic_for_good() -> None:
    assert changes(grow(D1, 40), until=date(2030, 1, 1)) == [
        (date(2024, 1, 2), "basic", "diamond", "upgrade", 40, date(2025, 1, 1)),
        (date(2025, 2, 1), "diamond", "gold", "downgrade", 0, date(2026, 1, 31)),
        (date(2026, 3, 3), "gold", "silver", "downgrade", 0, date(2027, 3, 2)),
        (date(2027, 4, 2), "silver", "basic", "downgrade", 0, None),
    ]


def test_an_upgrade_starts_a_new_period() -> None:
    assert changes(grow(D1, 10), grow(date(2024, 6, 30), 10), until=date(2025, 2, 1)) == [
        (date(2024, 1, 2), "basic", "silver", "upgrade", 10, date(2025, 1, 1)),
        (date(2024, 7, 1), "silver", "gold", "upgrade", 20, date(2025, 6, 30)),
    ]


def test_a_refund_that_takes_the_upgrades_reason_away_reverses_it_from_the_next_day() -> None:
    assert changes(grow(D1, 20), refund(date(2024, 3, 1), 11, D1), until=date(2025, 12, 31)) == [
        TO_GOLD,
        (date(2024, 3, 2), "gold", "basic", "reversal", 9, None),
    ]


@pytest.mark.parametrize(("refunded", "is_reversed"), [(5, False), (6, True)])
def test_a_reversal_needs_the_evidence_to_fall_below_the_threshold(
    refunded: int, is_reversed: bool
) -> None:
    rows = changes(grow(D1, 25), refund(date(2024, 3, 1), refunded, D1), until=date(2024, 12, 31))
    assert [row[3] for row in rows] == ["upgrade", "reversal"][: 1 + is_reversed]


def test_a_reversal_leaves_the_tier_that_the_rest_of_the_evidence_earns_with_its_period() -> None:
    assert changes(grow(D1, 25), refund(date(2024, 3, 1), 11, D1), until=date(2024, 12, 31)) == [
        (date(2024, 1, 2), "basic", "gold", "upgrade", 25, date(2025, 1, 1)),
        (date(2024, 3, 2), "gold", "silver", "reversal", 14, date(2025, 1, 1)),
    ]


def test_a_reversal_goes_back_to_the_tier_before_with_the_period_it_had() -> None:
    may = date(2024, 5, 1)
    assert changes(
        grow(D1, 10), grow(may, 10), refund(date(2024, 6, 1), 10, may), until=date(2024, 12, 31)
    ) == [
        (date(2024, 1, 2), "basic", "silver", "upgrade", 10, date(2025, 1, 1)),
        (date(2024, 5, 2), "silver", "gold", "upgrade", 20, date(2025, 5, 1)),
        (date(2024, 6, 2), "gold", "silver", "reversal", 10, date(2025, 1, 1)),
    ]


def test_an_upgrade_shrinks_to_a_tier_whose_own_upgrade_lost_its_evidence_too() -> None:
    """Without the 3 refunded, 7 earned nothing on 1 January and 17 earned silver on 1 May."""
    assert changes(
        grow(D1, 10),
        grow(date(2024, 5, 1), 10),
        refund(date(2024, 6, 1), 3, D1),
        until=date(2024, 12, 31),
    ) == [
        (date(2024, 1, 2), "basic", "silver", "upgrade", 10, date(2025, 1, 1)),
        (date(2024, 5, 2), "silver", "gold", "upgrade", 20, date(2025, 5, 1)),
        (date(2024, 6, 2), "gold", "silver", "reversal", 17, date(2025, 5, 1)),
    ]


def test_a_reversal_to_the_ground_skips_every_tier_without_evidence() -> None:
    assert changes(
        grow(D1, 10),
        grow(date(2024, 5, 1), 10),
        refund(date(2024, 6, 1), 10, D1),
        refund(date(2024, 6, 1), 5, date(2024, 5, 1)),
        until=date(2024, 12, 31),
    )[2:] == [(date(2024, 6, 2), "gold", "basic", "reversal", 5, None)]


def test_a_tier_that_todays_score_earns_alone_stays_and_rests_on_that_score() -> None:
    """The refund of 1 March is made up for; that of 1 May, of what made up for it, is not."""
    february = date(2024, 2, 1)
    events = [
        grow(D1, 20),
        grow(february, 15),
        refund(date(2024, 3, 1), 15, D1),
        refund(date(2024, 5, 1), 1, february),
    ]
    assert changes(*events[:3], until=date(2024, 4, 30)) == [TO_GOLD]
    assert changes(*events, until=date(2024, 5, 1)) == [
        TO_GOLD,
        (date(2024, 5, 2), "gold", "silver", "reversal", 19, date(2025, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("origin", "is_reversed"),
    [
        (date(2023, 1, 1), False),  # the day before the window of the upgrade
        (date(2023, 1, 2), True),  # its first day
        (date(2024, 1, 1), True),  # the day of the upgrade
        (date(2024, 1, 2), False),  # the day after
    ],
)
def test_only_a_refund_of_what_lay_in_the_upgrades_window_reverses_it(
    origin: date, is_reversed: bool
) -> None:
    rows = changes(
        grow(date(2023, 1, 1), 5),
        grow(date(2023, 1, 2), 5),
        grow(D1, 15),
        grow(date(2024, 1, 2), 5),
        refund(date(2025, 1, 1), 5, origin),
        until=date(2025, 1, 1),
    )
    assert [row[3] for row in rows[2:]] == (["reversal"] if is_reversed else [])


def test_a_tier_that_was_renewed_is_not_reversed() -> None:
    january = date(2025, 1, 10)
    assert changes(
        grow(D1, 20),
        grow(january, 20),
        refund(date(2025, 3, 1), 20, january),
        until=date(2025, 12, 31),
    ) == [
        TO_GOLD,
        (date(2025, 2, 1), "gold", "gold", "renewal", 20, date(2026, 1, 31)),
    ]


def test_a_tier_returned_to_after_its_grace_is_evaluated_on_the_day_of_the_refund() -> None:
    """Silver's period was over on 1 January 2025; the refund of 1 April 2025 falls back on it."""
    december = date(2024, 12, 1)
    events = [grow(D1, 10), grow(december, 10), refund(date(2025, 4, 1), 10, december)]
    assert changes(*events, until=date(2025, 4, 1))[2:] == [
        (date(2025, 4, 2), "gold", "basic", "reversal", 10, None)
    ]
    earned_again = grow(date(2025, 3, 1), 10)
    assert changes(*events, earned_again, until=date(2025, 4, 1))[2:] == [
        (date(2025, 4, 2), "gold", "silver", "reversal", 10, date(2026, 4, 1))
    ]


def test_the_threshold_in_force_on_the_day_decides() -> None:
    until_march = TierVersion("silver", 1, 10, valid_until_date=date(2024, 3, 1))
    from_march = TierVersion("silver", 1, 12, valid_from_date=date(2024, 3, 1))
    tiers = [BASIC, until_march, from_march]
    last_old_day, first_new_day = date(2024, 2, 29), date(2024, 3, 1)
    assert len(changes(grow(last_old_day, 11), until=last_old_day, tiers=tiers)) == 1
    assert len(changes(grow(first_new_day, 11), until=first_new_day, tiers=tiers)) == 0
    assert len(changes(grow(first_new_day, 12), until=first_new_day, tiers=tiers)) == 1


def test_a_tier_inserted_between_two_counts_from_its_first_day() -> None:
    """Gold appears on 1 July 2024: until then one down from diamond is silver, then it is gold."""
    gold = TierVersion("gold", 2, 20, valid_from_date=date(2024, 7, 1))
    tiers = [BASIC, TierVersion("silver", 1, 10), gold, TierVersion("diamond", 3, 40)]
    june, july = date(2024, 6, 30), date(2024, 7, 1)
    assert [row[2] for row in changes(grow(june, 30), until=june, tiers=tiers)] == ["silver"]
    assert [row[2] for row in changes(grow(july, 30), until=july, tiers=tiers)] == ["gold"]
    short = [PolicyVersion(window_length=1, period_months=1, grace_days=0)]
    rows = changes(grow(D1, 40), until=date(2024, 2, 2), tiers=tiers, policy=short)
    assert [row[2] for row in rows] == ["diamond", "silver"]
    rows = changes(grow(june, 40), until=date(2024, 7, 31), tiers=tiers, policy=short)
    assert [row[2] for row in rows] == ["diamond", "gold"]


def test_the_policy_in_force_on_the_day_gives_window_period_and_grace() -> None:
    policy = [
        PolicyVersion(12, 12, 30, valid_until_date=date(2024, 3, 1)),
        PolicyVersion(1, 6, 10, valid_from_date=date(2024, 3, 1)),
    ]
    march = date(2024, 3, 1)
    assert changes(grow(D1, 5), grow(march, 10), until=date(2024, 9, 11), policy=policy) == [
        (date(2024, 3, 2), "basic", "silver", "upgrade", 10, date(2024, 9, 1)),
        (date(2024, 9, 12), "silver", "basic", "downgrade", 0, None),
    ]


def test_before_the_first_rule_nothing_is_decided_and_on_its_first_day_what_was_grown_counts() -> (
    None
):
    tiers = [
        TierVersion(tier.tier, tier.tier_rank, tier.growth_threshold, date(2024, 1, 1))
        for tier in TIERS_OF_FOUR
    ]
    policy = [PolicyVersion(valid_from_date=date(2024, 1, 1))]
    december = grow(date(2023, 12, 31), 40)
    assert changes(december, until=date(2023, 12, 31), tiers=tiers, policy=policy) == []
    assert changes(december, until=D1, tiers=tiers, policy=policy) == [
        (date(2024, 1, 2), "basic", "diamond", "upgrade", 40, date(2025, 1, 1))
    ]


JULY = date(2024, 7, 1)
EASIER_GOLD = [
    *(tier for tier in TIERS_OF_FOUR if tier.tier != "gold"),
    TierVersion("gold", 2, 20, valid_until_date=JULY),
    TierVersion("gold", 2, 12, valid_from_date=JULY),
]
WITH_JADE = [
    *TIERS_OF_FOUR[:3],
    TierVersion("jade", 3, 30, valid_from_date=JULY),
    TierVersion("diamond", 4, 40),
]
SILVER_IN_MARCH = (date(2024, 3, 2), "basic", "silver", "upgrade")


@pytest.mark.parametrize(("grown", "is_gold"), [(11, False), (12, True)])
def test_a_threshold_that_is_lowered_is_judged_on_its_first_day(grown: int, is_gold: bool) -> None:
    march = grow(date(2024, 3, 1), grown)
    silver = [(*SILVER_IN_MARCH, grown, date(2025, 3, 1))]
    gold = [(date(2024, 7, 2), "silver", "gold", "upgrade", grown, date(2025, 7, 1))]
    june = date(2024, 6, 30)
    assert changes(march, until=june, tiers=EASIER_GOLD) == silver
    assert changes(march, until=JULY, tiers=EASIER_GOLD) == silver + gold * is_gold


@pytest.mark.parametrize(("grown", "is_jade"), [(29, False), (30, True)])
def test_a_tier_that_is_put_between_two_is_reached_on_its_first_day(
    grown: int, is_jade: bool
) -> None:
    march = grow(date(2024, 3, 1), grown)
    gold = (date(2024, 3, 2), "basic", "gold", "upgrade", grown, date(2025, 3, 1))
    jade = (date(2024, 7, 2), "gold", "jade", "upgrade", grown, date(2025, 7, 1))
    found = changes(march, until=date(2024, 12, 31), tiers=WITH_JADE)
    assert found == [gold, jade][: 1 + is_jade]


def test_a_window_that_becomes_longer_is_judged_on_its_first_day() -> None:
    policy = [
        PolicyVersion(1, 12, 0, valid_until_date=JULY),
        PolicyVersion(12, 12, 0, valid_from_date=JULY),
    ]
    grown = [grow(date(2024, 3, 1), 6), grow(date(2024, 5, 1), 4)]
    assert changes(*grown, until=date(2024, 6, 30), policy=policy) == []
    assert changes(*grown, until=JULY, policy=policy) == [
        (date(2024, 7, 2), "basic", "silver", "upgrade", 10, date(2025, 7, 1))
    ]


@pytest.mark.parametrize(
    ("policy", "bought", "refunded", "bought_again"),
    [
        (
            [PolicyVersion(window_kind="calendar_year", cycle_start_month=1, cycle_start_day=1)],
            date(2024, 12, 20),
            date(2025, 1, 5),
            date(2025, 3, 1),
        ),
        (POLICY, D1, date(2024, 12, 31), date(2025, 1, 1)),  # its window begins on 2 January
    ],
)
def test_a_refund_of_what_was_bought_before_the_window_lowers_nothing_in_it(
    policy: list[PolicyVersion], bought: date, refunded: date, bought_again: date
) -> None:
    pair = grow(bought, 40), refund(refunded, 40, bought)
    *_, last = changes(*pair, grow(bought_again, 20), until=bought_again, policy=policy)
    assert last[1:5] == ("basic", "gold", "upgrade", 20)


def test_a_refund_of_what_was_bought_in_the_window_counts_until_both_leave_it() -> None:
    bought, last_day_of_both = D1, date(2024, 12, 31)
    pair = grow(bought, 5), refund(date(2024, 6, 1), 4, bought)
    for day, grown, tier in (
        (last_day_of_both, 8, None),  # 5 - 4 + 8
        (last_day_of_both, 9, "silver"),
        (date(2025, 1, 1), 9, None),  # neither counts any more
        (date(2025, 1, 1), 10, "silver"),
    ):
        found = changes(*pair, grow(day, grown), until=day)
        assert [change[2] for change in found] == [tier] * (tier is not None), (day, grown)


def test_changes_are_numbered_and_each_is_valid_until_the_next() -> None:
    events = [GrowthEvent(D1, 10, member_id="M1"), GrowthEvent(D1, 9, member_id="M2")]
    events += [GrowthEvent(D1, 10, member_id="M3"), GrowthEvent(date(2024, 2, 1), 10, None, "M3")]
    rows = tier_rows(events, TIERS_OF_FOUR, POLICY, date(2024, 12, 31))
    assert [
        (row["member_id"], row["change_number"], row["effective_date"], row["valid_until_date"])
        for row in rows
    ] == [
        ("M1", 1, date(2024, 1, 2), None),
        ("M3", 1, date(2024, 1, 2), date(2024, 2, 2)),
        ("M3", 2, date(2024, 2, 2), None),
    ]


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [TierVersion("silver", 1, 10)],
        [BASIC, TierVersion("gold", 2, 20)],
        [BASIC, TierVersion("silver", 1, 10), TierVersion("gold", 1, 20)],
    ],
)
def test_ranks_that_are_not_0_1_2_are_a_problem(tiers: list[TierVersion]) -> None:
    with pytest.raises(Problem, match="ranks have to be 0, 1, 2"):
        _ = tier_rule_tables(tiers, POLICY).tier_names


def test_a_period_of_no_months_is_a_problem() -> None:
    with pytest.raises(Problem, match="period_months needs a value from a date on, 1 or more"):
        changes(grow(D1, 10), until=D1, policy=[PolicyVersion(period_months=0)])
