"""The tier fold on random lives and rule tables: equal to the slow reference, compiled or not."""

from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import numba
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import tiers
from tests.ledger.tables import changes_of, plain, tier_rows
from tests.ledger.tier_reference import (
    Change,
    Group,
    GrowthEvent,
    Lock,
    Member,
    PolicyVersion,
    TierVersion,
    Way,
    Ways,
)

START = date(2024, 1, 1)
SECOND_RULES = date(2024, 3, 1)
METRICS = ("growth", "visits", "nights")


class Life(NamedTuple):
    """What a member did, under which rules, until which night."""

    events: list[GrowthEvent]
    tiers: list[TierVersion]
    policies: list[PolicyVersion]
    closing_date: date
    locks: list[Lock]

    def folded(self) -> list[Change]:
        rows = tier_rows(*self, metrics=METRICS)
        return changes_of(rows, len(METRICS))

    def lived(self) -> list[Change]:
        member = Member(self.events, self.tiers, self.policies, self.locks, METRICS)
        return member.live(self.closing_date)


LINES = st.tuples(st.sampled_from(METRICS), st.sampled_from([2, 5, 10, 12, 20, 40]))
GROUPS = st.lists(LINES, min_size=1, max_size=3).flatmap(
    lambda lines: st.builds(Group, st.integers(1, len(lines)), st.just(tuple(lines)))
)
WAYS = st.lists(
    st.builds(Way, st.lists(GROUPS, min_size=1, max_size=2).map(tuple)), min_size=1, max_size=2
).map(tuple)


@st.composite
def tier_tables(draw: st.DrawFn) -> list[TierVersion]:
    """Four tiers, one inserted perhaps later, with thresholds or with conditions of any kind."""
    inserted = draw(st.sampled_from([date(2020, 1, 1), date(2024, 1, 20)]))
    raised = draw(st.sampled_from([10, 12]))
    versions = [
        TierVersion("silver", 1, 10, valid_until_date=SECOND_RULES),
        TierVersion("silver", 1, raised, SECOND_RULES),
        TierVersion("gold", 2, 20, inserted),
        TierVersion("diamond", 3, 40),
    ]
    either: st.SearchStrategy[Ways | None] = st.none() | WAYS
    return [
        TierVersion("basic", 0, 0),
        *(replace(each, reach=draw(either), keep=draw(either)) for each in versions),
    ]


@st.composite
def policies(draw: st.DrawFn, **validity: date) -> PolicyVersion:
    """A policy of any kind, short enough for many periods in a life."""
    kind, length = draw(
        st.sampled_from(
            [
                ("rolling_months", 1),
                ("rolling_months", 3),
                ("rolling_days", 1),
                ("rolling_days", 45),
                ("membership_anniversary", 12),
                ("cycle", 12),
                ("cycle", 2),
            ]
        )
    )
    return PolicyVersion(
        length,
        draw(st.integers(1, 3)),
        draw(st.integers(0, 6)),
        window_kind=kind,
        downgrade=draw(st.sampled_from(tiers.DOWNGRADES)),
        carry_over=draw(st.sampled_from(["none", "remainder"])),
        cycle_start_month=draw(st.integers(1, 12)) if kind == "cycle" else None,
        cycle_start_day=draw(st.integers(1, 28)) if kind == "cycle" else None,
        **validity,
    )


@st.composite
def lives(draw: st.DrawFn) -> Life:
    """Purchases and refunds about the thresholds, locks, and rules that change on the way."""
    rules = [
        draw(policies(valid_until_date=SECOND_RULES)),
        draw(policies(valid_from_date=SECOND_RULES)),
    ]
    steps = st.tuples(
        st.integers(0, 30),  # days since the event before
        st.sampled_from([1, 4, 6, 8, 10, 11, 12, 20, 25, 40]),
        st.booleans(),  # whether it is a refund
        st.integers(0, 12),  # of which purchase
        st.sampled_from([*METRICS, "growth"]),
    )
    events: list[GrowthEvent] = []
    today = START
    for wait, value, is_refund, which, metric in draw(st.lists(steps, min_size=1, max_size=14)):
        today += timedelta(days=wait)
        bought = [event for event in events if event.value > 0]
        if is_refund and bought:
            origin = bought[which % len(bought)]
            taken = -min(value, origin.value)
            events.append(GrowthEvent(today, taken, origin.business_date, metric=origin.metric))
        else:
            events.append(GrowthEvent(today, value, metric=metric))
    closing_date = today + timedelta(days=draw(st.integers(0, 150)))
    locks = []
    for tier, wait, length, reason in draw(
        st.lists(
            st.tuples(
                st.sampled_from(["silver", "gold", "diamond"]),
                st.integers(1, 200),
                st.integers(0, 90),
                st.sampled_from(["lock", "migration"]),
            ),
            max_size=3,
        )
    ):
        first = START + timedelta(days=wait)
        if first - timedelta(days=1) <= closing_date:
            until = first + timedelta(days=length)
            locks.append(Lock(tier, first, until, reason=reason))
    return Life(events, draw(tier_tables()), rules, closing_date, locks)


@settings(max_examples=600, derandomize=True)
@given(lives())
def test_the_fold_equals_the_reference(life: Life) -> None:
    assert life.folded() == life.lived()


@settings(max_examples=60, derandomize=True)
@given(lives())
def test_uncompiled_equals_compiled(life: Life) -> None:
    compiled_changes = life.folded()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.tier_night.fold_tiers", plain(tiers).fold_tiers)
        assert life.folded() == compiled_changes


@settings(max_examples=100, derandomize=True)
@given(lives(), st.integers(0, 200))
def test_a_night_believes_what_a_later_night_believes_about_the_days_before_it(
    life: Life, earlier: int
) -> None:
    night = max(life.events[0].business_date, life.closing_date - timedelta(days=earlier))
    assert known_on(life, night).folded() == decided_until(life.folded(), night)


@settings(max_examples=15, derandomize=True)
@given(lives())
def test_folding_every_night_anew_decides_what_one_fold_decides(life: Life) -> None:
    everything = life.folded()
    night = life.events[0].business_date
    while night <= life.closing_date:
        assert known_on(life, night).folded() == decided_until(everything, night)
        night += timedelta(days=1)


def known_on(life: Life, night: date) -> Life:
    """A life as a night knows it: nothing that happens later."""
    return Life(
        [event for event in life.events if event.business_date <= night],
        life.tiers,
        life.policies,
        night,
        [lock for lock in life.locks if lock.from_date - timedelta(days=1) <= night],
    )


def decided_until(changes: list[Change], night: date) -> list[Change]:
    return [change for change in changes if change.effective_date <= night + timedelta(days=1)]


@settings(max_examples=60, derandomize=True)
@given(lives(), st.data())
def test_the_order_of_a_days_rows_does_not_matter(life: Life, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(life.events))
    locks = list(reversed(life.locks))
    assert life._replace(events=shuffled, locks=locks).folded() == life.folded()


@settings(max_examples=200, derandomize=True)
@given(lives())
def test_every_decision_follows_from_its_evidence(life: Life) -> None:
    """An upgrade names a way that its values meet; a downgrade meets none of what keeps the tier;
    what is left of a reversed upgrade does not reach its tier by the rules of its day.
    """
    member = Member(life.events, life.tiers, life.policies, life.locks, METRICS)
    for row, change in zip(
        tier_rows(*life, metrics=METRICS)[:: len(METRICS)], life.folded(), strict=True
    ):
        day = change.effective_date - timedelta(days=1)
        before, after = member.rank(change.from_tier), member.rank(change.to_tier)
        if change.reason == "upgrade":
            assert member.best(day, change.values) == after > before
            assert change.way_number == member.way(after, "reach", day, change.values)
        elif change.reason == "renewal":
            ways = {member.way(before, name, day, change.values) for name in ("keep", "reach")}
            assert change.way_number in ways - {None}
        elif change.reason == "downgrade":
            assert member.way(before, "keep", day, change.values) is None
            assert member.way(before, "reach", day, change.values) is None
        elif change.reason == "reversal":
            assert change.reversed_values is not None
            day = row["reversed_to_date"]
            assert member.way(before, "reach", day, change.reversed_values) is None


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled in this process")
def test_the_fold_is_compiled_once_and_kept() -> None:
    """One signature, so that one night compiles nothing that another night compiled before."""
    tier_rows([GrowthEvent(START, 10)], [TierVersion("basic", 0, 0)], [PolicyVersion()], START)
    assert len(tiers.fold_tiers.signatures) == 1
