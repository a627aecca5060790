"""The tier fold on random lives: equal to the slow reference, compiled or not."""

from datetime import date, timedelta

import numba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import tiers
from tests.ledger.tables import changes_of, plain, tier_rows
from tests.ledger.tier_reference import GrowthEvent, Member, PolicyVersion, TierVersion

START = date(2024, 1, 1)
SECOND_RULES = date(2024, 3, 1)
Life = tuple[list[GrowthEvent], list[TierVersion], list[PolicyVersion], date]


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Purchases and refunds about the thresholds, and rules that change on the way."""
    inserted = draw(st.sampled_from([date(2020, 1, 1), date(2024, 1, 20)]))
    raised = draw(st.sampled_from([10, 12]))
    tier_versions = [
        TierVersion("basic", 0, 0),
        TierVersion("silver", 1, 10, valid_until_date=SECOND_RULES),
        TierVersion("silver", 1, raised, SECOND_RULES),
        TierVersion("gold", 2, 20, inserted),
        TierVersion("diamond", 3, 40),
    ]
    months, days = st.integers(1, 3), st.integers(0, 6)
    policies = [
        PolicyVersion(draw(months), draw(months), draw(days), valid_until_date=SECOND_RULES),
        PolicyVersion(draw(months), draw(months), draw(days), SECOND_RULES),
    ]
    steps = st.tuples(
        st.integers(0, 30),  # days since the event before
        st.sampled_from([1, 4, 6, 8, 10, 11, 12, 20, 25, 40]),
        st.booleans(),  # whether it is a refund
        st.integers(0, 12),  # of which purchase
    )
    events: list[GrowthEvent] = []
    today = START
    for wait, value, is_refund, which in draw(st.lists(steps, min_size=1, max_size=14)):
        today += timedelta(days=wait)
        bought = [event for event in events if event.growth_value > 0]
        if is_refund and bought:
            origin = bought[which % len(bought)]
            events.append(
                GrowthEvent(today, -min(value, origin.growth_value), origin.business_date)
            )
        else:
            events.append(GrowthEvent(today, value))
    return events, tier_versions, policies, today + timedelta(days=draw(st.integers(0, 150)))


@settings(max_examples=500, deadline=None)
@given(lives())
def test_the_fold_equals_the_reference(life: Life) -> None:
    events, tier_versions, policies, closing_date = life
    rows = tier_rows(events, tier_versions, policies, closing_date)
    assert changes_of(rows) == Member(events, tier_versions, policies).live(closing_date)


@settings(max_examples=150, deadline=None)
@given(lives())
def test_uncompiled_equals_compiled(life: Life) -> None:
    compiled_rows = tier_rows(*life)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.tier_night.fold_tiers", plain(tiers).fold_tiers)
        assert tier_rows(*life) == compiled_rows


@settings(max_examples=100, deadline=None)
@given(lives(), st.integers(0, 200))
def test_a_night_believes_what_a_later_night_believes_about_the_days_before_it(
    life: Life, earlier: int
) -> None:
    events, tier_versions, policies, closing_date = life
    night = max(events[0].business_date, closing_date - timedelta(days=earlier))
    known = [event for event in events if event.business_date <= night]
    rows = changes_of(tier_rows(known, tier_versions, policies, night))
    later = changes_of(tier_rows(events, tier_versions, policies, closing_date))
    assert rows == [
        change for change in later if change.effective_date <= night + timedelta(days=1)
    ]


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled in this process")
def test_the_fold_is_compiled_once_and_kept() -> None:
    """One signature, so that one night compiles nothing that another night compiled before."""
    tier_rows([GrowthEvent(START, 10)], [TierVersion("basic", 0, 0)], [PolicyVersion()], START)
    assert len(tiers.fold_tiers.signatures) == 1
