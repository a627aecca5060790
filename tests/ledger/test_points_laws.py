"""The points fold on random lives: equal to the slow reference, and conserving every point."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import points
from tests.ledger.reference import (
    DEBT_SIGNS,
    LOT_SIGNS,
    PENDING_SIGNS,
    Book,
    Entry,
    Event,
    reference_entries,
)
from tests.ledger.tables import folded, folded_rows, plain

START, DAY = date(2026, 1, 1), timedelta(days=1)
POLICIES = ("unlimited", "within_balance", "only_pending")
TARGETS = {"claw_back": ("accrual", "opening"), "restore": ("redemption",)}
KINDS = [
    *("accrual", "accrual", "accrual", "redemption", "redemption", "claw_back", "restore"),
    *("opening", "renewal", "tier", "clock"),
]
RULES = st.fixed_dictionaries(
    {
        "idle_months": st.sampled_from([0, 0, 1, 2]),
        "round_up_months": st.sampled_from([0, 0, 1, 3]),
        "exempt_tier_bits": st.sampled_from([0, 0, 1, 2, 3]),
        "reinstatement_days": st.sampled_from([0, 0, 5, 20]),
    }
)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Event], date]:
    """Events of up to three members who buy, spend, return, refund, renew and rest."""
    steps = st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from([0, 0, 1, 2, 4, 6, 25, 40]),  # days since the event before
        st.sampled_from([1, 5, 10, 17, 50]),
        st.integers(0, 30),  # which earlier order or redemption
        st.none() | st.integers(-1, 50),  # days until the lot expires
        st.sampled_from([0, 0, 0, 1, 2]),  # member
        st.integers(0, 2),  # slot of the day
        st.sampled_from(POLICIES),
        st.sampled_from([None, None, None, 0, 1, 7, 30]),  # days until the lot is released
        RULES,
    )
    events: list[Event] = []
    today = START
    for number, step in enumerate(draw(st.lists(steps, min_size=1, max_size=25))):
        event_type, wait, amount, which, lasting, member, slot, policy, pending, rules = step
        today += timedelta(days=wait)
        known = [e.activity_id for e in events if e.event_type in TARGETS.get(event_type, ())]
        if event_type in TARGETS and not known and which > 0:
            event_type = "accrual"
        event = Event(
            event_type,
            today,
            amount,
            activity_id=f"{number:02}",
            member_id=f"M{member}",
            account_id=f"A{number % 3}",
            business=["mall", "hotel"][number % 2],
            rule_id=f"rule {number % 4}",
            price_date=today,
            is_qualifying=event_type == "clock" or which % 2 == 0,
            slot=slot,
        )
        if event_type in {"accrual", "opening"}:
            expires = None if lasting is None else today + timedelta(days=lasting)
            event = replace(event, lot_id=f"L{(number * 7) % 26:02}", expires_on_date=expires)
            is_at_once = pending is None or event_type == "opening"
            release = None if is_at_once else today + timedelta(days=pending or 0)
            event = replace(event, **rules, release_on_date=release)
            same_day = [e for e in events if (e.event_type, e.business_date) == (event_type, today)]
            if which % 4 == 0 and same_day:  # one order, two lots
                last = same_day[-1]
                event = replace(event, activity_id=last.activity_id, member_id=last.member_id)
                event = replace(event, slot=last.slot)
        elif event_type in TARGETS:
            target = known[which % len(known)] if known else "unknown"
            event = replace(event, target_activity_id=target)
        elif event_type == "tier":
            event = replace(event, points=0, tier_bit=[0, 1, 2][which % 3], slot=-1)
        elif event_type == "renewal":
            event = replace(event, renewal_window_days=lasting or 9)
            event = replace(event, renewal_extension_months=1 + which % 3)
        elif event_type == "clock":
            event = replace(event, points=0)
        if event_type == "claw_back":
            event = replace(event, refund_policy=policy)
        events.append(event)
    return events, today + timedelta(days=draw(st.integers(0, 60)))


def signed(entries: Iterable[Entry], party: str) -> int:
    """What a party got less what it gave."""
    return sum(
        entry.points * ((entry.to_party == party) - (entry.from_party == party))
        for entry in entries
    )


@settings(max_examples=400)
@given(lives())
def test_the_fold_equals_the_reference(life: tuple[list[Event], date]) -> None:
    events, closing_date = life
    assert folded(events, closing_date) == reference_entries(events, closing_date)


@settings(max_examples=150)
@given(lives())
def test_uncompiled_equals_compiled(life: tuple[list[Event], date]) -> None:
    events, closing_date = life
    compiled_rows = folded_rows(events, closing_date)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.points_night.fold_points", plain(points).fold_points)
        assert folded_rows(events, closing_date) == compiled_rows


@settings(max_examples=200)
@given(lives())
def test_every_lot_holds_what_was_issued_less_what_left_it(life: tuple[list[Event], date]) -> None:
    """Issued = redeemed - restored + expired + clawed back + repaid + remaining, at every entry."""
    events, closing_date = life
    issued = {(event.member_id, event.lot_id): event.points for event in events}
    for member_id in {event.member_id for event in events}:
        own = [event for event in events if event.member_id == member_id]
        remaining: Counter[str] = Counter()
        pending: Counter[str] = Counter()
        for entry in folded_rows(own, closing_date):
            if entry.lot_id is not None:
                remaining[entry.lot_id] += LOT_SIGNS.get(entry.entry_type, 0) * entry.points
                pending[entry.lot_id] += PENDING_SIGNS.get(entry.entry_type, 0) * entry.points
                most = issued[member_id, (entry.parent_lot_id or entry.lot_id)]
                assert 0 <= remaining[entry.lot_id] <= most
                assert 0 <= pending[entry.lot_id] <= most


@settings(max_examples=200)
@given(lives())
def test_every_lot_is_explained_on_every_day_and_all_lots_together_are_the_members(
    life: tuple[list[Event], date],
) -> None:
    """C5 by business date, which is not the order in which entries arise: what falls due is dated
    its own day.
    """
    events, closing_date = life
    issued = {(event.member_id, event.lot_id): event.points for event in events}
    for member_id in {event.member_id for event in events}:
        own = [event for event in events if event.member_id == member_id]
        rows = folded_rows(own, closing_date)
        held: Counter[str] = Counter()
        for day in sorted({row.business_date for row in rows}):
            for row in rows:
                if row.business_date == day and row.lot_id is not None:
                    held[row.lot_id] += LOT_SIGNS.get(row.entry_type, 0) * row.points
            for lot_id, points_held in held.items():
                assert 0 <= points_held <= issued[member_id, lot_id.removesuffix("/renewed")]
            until = [row for row in rows if row.business_date <= day]
            assert sum(held.values()) == signed(until, "member")


@settings(max_examples=200)
@given(lives())
def test_a_member_owns_what_the_entries_gave_less_what_they_took(
    life: tuple[list[Event], date],
) -> None:
    """Balance is the member's party, debt that of member_debt; nobody has both."""
    events, closing_date = life
    for member_id in {event.member_id for event in events}:
        own = sorted((e for e in events if e.member_id == member_id), key=Event.order)
        book = Book()
        for event in own:
            book.add(event)
        book.close(closing_date)
        balance = sum(book.left(lot) for lot in book.lots.values())
        debt = sum(book.owing(event) for event in book.events.values())
        rows = folded_rows(own, closing_date)
        pending = sum(book.pending(lot) for lot in book.lots.values())
        assert (signed(rows, "member"), -signed(rows, "member_debt")) == (balance, debt)
        assert signed(rows, "member_pending") == pending
        assert balance == 0 or debt == 0


PROOF = {
    "opened": ("opening_balance",),
    "earned": ("accrual",),
    "released": ("release",),
    "reinstated": ("restore", "restore_debt"),
    "redeemed": ("redemption", "redemption_debt"),
    "expired": ("expiry",),
    "clawed_back": ("claw_back", "claw_back_debt"),
}
TAKEN = {"redeemed", "expired", "clawed_back"}


@settings(max_examples=150)
@given(lives())
def test_opening_and_movements_are_the_closing_balance_of_every_member_on_every_day(
    life: tuple[list[Event], date],
) -> None:
    """C5: .. = closing = sum of open lots - debt; pending points are counted apart."""
    events, closing_date = life
    for member_id in {event.member_id for event in events}:
        own = [event for event in events if event.member_id == member_id]
        rows = [e for e in folded_rows(own, closing_date) if e.entry_type != "last_day"]
        opening, lots, debt, pending = 0, 0, 0, 0
        for day in sorted({row.business_date for row in rows}):
            today = [row for row in rows if row.business_date == day]
            movements = {
                name: sum(row.points for row in today if row.entry_type in entry_types)
                for name, entry_types in PROOF.items()
            }
            closing = opening + sum(
                -points if name in TAKEN else points for name, points in movements.items()
            )
            lots += sum(LOT_SIGNS.get(row.entry_type, 0) * row.points for row in today)
            debt += sum(DEBT_SIGNS.get(row.entry_type, 0) * row.points for row in today)
            pending += sum(PENDING_SIGNS.get(row.entry_type, 0) * row.points for row in today)
            assert closing == lots - debt
            assert min(lots, debt, pending) >= 0
            assert lots == 0 or debt == 0
            opening = closing


@settings(max_examples=100)
@given(lives(), st.data())
def test_the_order_in_which_events_arrive_does_not_matter(
    life: tuple[list[Event], date], data: st.DataObject
) -> None:
    events, closing_date = life
    shuffled = data.draw(st.permutations(events))
    assert folded(shuffled, closing_date) == folded(events, closing_date)


@settings(max_examples=100)
@given(lives(), st.integers(1, 25))
def test_the_entries_of_a_member_do_not_depend_on_who_else_is_in_the_batch(
    life: tuple[list[Event], date], cut: int
) -> None:
    events, closing_date = life
    together = folded(events, closing_date)
    apart: Counter[Entry] = Counter()
    for member_id in {event.member_id for event in events}:
        apart += folded([e for e in events if e.member_id == member_id], closing_date)
    assert together == apart


def whole_lives(seed: int, policy: str, lasting: int | None) -> list[Event]:
    """10,000 lives in which all that was bought is refunded, all that was spent given back."""
    random = np.random.default_rng(seed)
    return [
        event
        for member in range(10_000)
        for event in whole_life(random, f"{member:04}", policy, lasting)
    ]


def whole_life(
    random: np.random.Generator, member_id: str, policy: str, lasting: int | None
) -> list[Event]:
    """Buying, spending and undoing in random order; at the end, only undoing."""
    events: dict[str, Event] = {}
    still_open: dict[str, int] = {}  # points of orders and redemptions not undone yet
    step_count = int(random.integers(1, 12))
    while len(events) < step_count or still_open:
        event = Event(
            event_type=["accrual", "redemption"][int(random.integers(2))],
            business_date=START + timedelta(days=3 * len(events)),
            points=int(random.integers(1, 120)),
            activity_id=f"{member_id}-{len(events)}",
            member_id=member_id,
            business=["mall", "hotel"][int(random.integers(2))],
        )
        if still_open and (len(events) >= step_count or random.random() < 0.3):
            target = list(still_open)[int(random.integers(len(still_open)))]
            event = undo(random, event, events[target], still_open[target], policy)
            still_open[target] -= event.points
            still_open = {key: points for key, points in still_open.items() if points > 0}
        else:
            still_open[event.activity_id] = event.points
            if event.event_type == "accrual":
                last = None if lasting is None else event.business_date + timedelta(days=lasting)
                pending = [0, 0, 2, 7, 30][int(random.integers(5))]
                event = replace(
                    event,
                    lot_id=event.activity_id,
                    expires_on_date=last,
                    release_on_date=event.business_date + timedelta(days=pending),
                )
        events[event.activity_id] = event
    return list(events.values())


def undo(
    random: np.random.Generator, event: Event, original: Event, points_open: int, policy: str
) -> Event:
    """Undo what is open of an order or a redemption, or a part of it."""
    is_order = original.event_type == "accrual"
    part = int(random.integers(1, points_open, endpoint=True))
    return replace(
        event,
        event_type="claw_back" if is_order else "restore",
        points=points_open if random.random() < 0.5 else part,
        business=original.business,
        target_activity_id=original.activity_id,
        refund_policy=policy if is_order else None,
    )


def by_member(rows: list[Entry], *parties: str) -> dict[str, int]:
    """What some parties got less what they gave, by member; members without any are left out."""
    sums: Counter[str] = Counter()
    for row in rows:
        given = (row.to_party in parties) - (row.from_party in parties)
        sums[row.activity_id.partition("-")[0]] += given * row.points
    return {member_id: points for member_id, points in sums.items() if points != 0}


def total(rows: list[Entry], entry_type: str) -> int:
    return sum(row.points for row in rows if row.entry_type == entry_type)


def totals(rows: list[Entry], *entry_types: str) -> dict[str, int]:
    """Points of entries of some types, by member."""
    sums: Counter[str] = Counter()
    for row in rows:
        if row.entry_type in entry_types:
            sums[row.activity_id.partition("-")[0]] += row.points
    return dict(sums)


@pytest.mark.parametrize("lasting", [None, 9])
def test_after_refunding_everything_unlimited_nothing_is_left_and_nobody_owes(
    lasting: int | None,
) -> None:
    """C9, 10,000 lives each: earned - expired - clawed back = 0, debt = 0, redeemers at zero."""
    events = whole_lives(seed=20260131, policy="unlimited", lasting=lasting)
    rows = folded_rows(events, START + timedelta(days=5000))
    for party in ("member", "member_pending", "member_debt", "redeemer:mall", "redeemer:hotel"):
        assert by_member(rows, party) == {}
    for entry_type in ("claw_back_debt", "redemption_debt", "pending_claw_back", "release"):
        assert totals(rows, entry_type) != {}
    if lasting is None:
        assert by_member(rows, "issuer:mall") == by_member(rows, "issuer:hotel") == {}
    else:  # what the issuers did not get back has lapsed
        lapsed = by_member(rows, "breakage:mall", "breakage:hotel")
        issued = by_member(rows, "issuer:mall", "issuer:hotel")
        assert lapsed == {member_id: -points for member_id, points in issued.items()} != {}


@pytest.mark.parametrize("policy", ["within_balance", "only_pending"])
def test_after_refunding_everything_the_points_left_are_one_for_one_the_shortfall(
    policy: str,
) -> None:
    """C9, 10,000 lives each: what members keep is what the selling businesses were charged."""
    events = whole_lives(seed=20260201, policy=policy, lasting=None)
    rows = folded_rows(events, START + timedelta(days=5000))
    assert by_member(rows, "member") == totals(rows, "shortfall") != {}
    assert by_member(rows, "member_debt", "member_pending") == {}
    sold_by = {event.activity_id: event.business for event in events}
    refunded = {event.activity_id: str(event.target_activity_id) for event in events}
    for row in rows:
        if row.entry_type == "shortfall":
            assert row.settling_business == sold_by[refunded[row.activity_id]]
    if policy == "only_pending":
        assert totals(rows, "claw_back", "claw_back_debt") == {}


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled in this process")
def test_the_fold_is_compiled_once_and_kept() -> None:
    """One signature, so that one night compiles nothing that another night compiled before."""
    folded([Event("accrual", START, 1, "O1", lot_id="L1")], START)
    assert len(points.fold_points.signatures) == 1


def forecast(entries: list[Entry], after: date, through: date) -> dict[str | None, int]:
    """What marts say will lapse: what is left of each lot that last became due within some days."""
    left: Counter[str | None] = Counter()
    last_day: dict[str | None, date | None] = {}
    for entry in entries:
        left[entry.lot_id] += LOT_SIGNS.get(entry.entry_type, 0) * entry.points
        if entry.entry_type in ("accrual", "opening_balance", "pending", "renewal_in"):
            last_day.setdefault(entry.lot_id, entry.expires_on_date)
    for entry in entries:
        if entry.entry_type == "last_day":
            last_day[entry.lot_id] = entry.expires_on_date
    return {
        lot: points
        for lot, points in left.items()
        if points > 0 and (day := last_day[lot]) is not None and after < day <= through
    }


@given(lives(), st.integers(1, 90), st.integers(0, 30), st.sampled_from([-1, 0, 0, 1]))
def test_what_is_forecast_for_up_to_ninety_days_lapses_if_nothing_happens_in_them(
    life: tuple[list[Event], date], days: int, which: int, beside: int
) -> None:
    events, today = life
    entries = folded_rows(events, today)
    # A span that ends on a lot's last day, or a day before or after it, if there is such a lot.
    known = {e.expires_on_date for e in entries if e.expires_on_date is not None}
    ends = sorted(day for day in known if today + DAY < day < today + 90 * DAY)
    later = ends[which % len(ends)] + beside * DAY if ends else today + days * DAY
    waiting = {e.lot_id for e in events if e.release_on_date and e.release_on_date > today}
    lapsed: Counter[str | None] = Counter()
    for entry in folded_rows(events, later):
        if entry.entry_type == "expiry" and today < entry.business_date and entry.lot_id:
            lapsed[entry.lot_id] += entry.points
    told = forecast(entries, today, later)
    assert {lot: told[lot] for lot in told if lot not in waiting} == {
        lot: points for lot, points in lapsed.items() if lot not in waiting
    }
