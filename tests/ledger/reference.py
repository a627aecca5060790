"""The points rules of ledger/README.md a second time: slow, in plain Python, apart from the fold.

Nothing is kept that can be counted: what a lot holds, what an order may still lose and what a
redemption may still get back are sums over the entries so far, taken again whenever needed.
"""

from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

RANKS = {
    name: rank
    for rank, name in enumerate(
        ("tier", "opening", "restore", "redemption", "renewal", "accrual", "claw_back", "clock")
    )
}
LOT_SIGNS = {
    "accrual": 1,
    "opening_balance": 1,
    "release": 1,
    "renewal_in": 1,
    "renewal_out": -1,
    "restore": 1,
    "redemption": -1,
    "expiry": -1,
    "claw_back": -1,
    "debt_repayment": -1,
}
PENDING_SIGNS = {"pending": 1, "pending_claw_back": -1, "release": -1}
CLAW_BACKS = ("claw_back", "claw_back_debt", "pending_claw_back", "shortfall")
DEBT_SIGNS = {"redemption_debt": 1, "claw_back_debt": 1, "restore_debt": -1, "debt_repayment": -1}


@dataclass(frozen=True)
class Event:
    """One row of int_points_events with the columns of its rules; `slot` orders those of a day."""

    event_type: str
    business_date: date
    points: int
    activity_id: str
    target_activity_id: str | None = None
    expires_on_date: date | None = None
    refund_policy: str | None = None
    lot_id: str | None = None
    member_id: str = "M1"
    business: str = "mall"
    account_id: str = "A1"
    source: str = "pos"
    rule_id: str = "rule"
    price_date: date = date(2024, 1, 1)
    release_on_date: date | None = None
    last_date: date | None = None
    joined_date: date | None = None
    tier: str | None = None
    is_qualifying: bool = False
    idle_months: int = 0
    round_up_months: int = 0
    exempt_tier_bits: int = 0
    tier_bit: int = 0
    reinstatement_days: int = 0
    renewal_window_days: int = 0
    renewal_extension_months: int = 0
    slot: int = 0

    def order(self) -> tuple[Any, ...]:
        instant = (self.member_id, self.business_date, self.slot)
        return (*instant, RANKS[self.event_type], self.activity_id, self.lot_id or "")


@dataclass(frozen=True)
class ExpiryVersion:
    """One row of the compiled rules of expiry; points last for ever unless it says otherwise."""

    business: str = "mall"
    lot_months: int | None = None
    fixed_month: int | None = None
    fixed_day: int | None = None
    fixed_years_after: int | None = None
    anniversary_years: int | None = None
    idle_months: int | None = None
    round_up_months: int | None = None
    exempt_tiers: str = ""
    reinstatement_days: int = 0
    renewal_window_days: int | None = None
    renewal_extension_months: int | None = None
    valid_from_date: date = date(2000, 1, 1)


@dataclass(frozen=True)
class Entry:
    """One row of points_entries."""

    entry_type: str
    source: str
    account_id: str
    activity_id: str
    lot_id: str | None
    parent_lot_id: str | None
    debt_activity_id: str | None
    business_date: date
    issuer_business: str | None
    redeemer_business: str | None
    settling_business: str | None
    price_date: date
    expires_on_date: date | None
    release_on_date: date | None
    rule_id: str
    from_party: str
    to_party: str
    points: int


def reference_entries(events: list[Event], closing_date: date) -> Counter[Entry]:
    """Points of the entries of all members; entries that differ in nothing but points are one."""
    sums: Counter[Entry] = Counter()
    for member_id in {event.member_id for event in events}:
        book = Book()
        for event in sorted(events, key=Event.order):
            if event.member_id == member_id:
                book.add(event)
        book.close(closing_date)
        for entry in book.entries:
            sums[replace(entry, points=0)] += entry.points
    return sums


@dataclass
class Book:
    """A member's events and entries so far, and all that follows from them."""

    events: dict[str, Event] = field(default_factory=dict)
    lots: dict[str, Event] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    tiers: list[tuple[date, int]] = field(default_factory=list)
    last_activity: date | None = None
    reinstated: dict[str, date] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        self.fall_due(event.business_date, event.business_date - timedelta(days=1))
        self.events[event.activity_id] = event
        if event.is_qualifying:
            self.last_activity = event.business_date
        getattr(self, event.event_type)(event)

    def close(self, closing_date: date) -> None:
        self.fall_due(closing_date, closing_date)
        for lot in self.lots_in_order():
            last_day = self.last_day(lot)
            if last_day != lot.expires_on_date:
                memo = f"memo:{lot.business}"
                points, own = self.left(lot), {"expires_on_date": last_day}
                self.write("last_day", self.origin(lot), points, memo, memo, lot, rule=lot, **own)

    def fall_due(self, release_through: date, expire_through: date) -> None:
        self.expire(expire_through)
        for lot in self.pending_lots():
            if lot.release_on_date is not None and lot.release_on_date <= release_through:
                own = {"business_date": lot.release_on_date}
                points = self.pending(lot)
                self.write("release", lot, points, "member_pending", "member", lot, **own)
                self.repay(lot, replace(lot, business_date=lot.release_on_date))
        self.expire(expire_through)

    def expire(self, through: date) -> None:
        for lot in self.lots_in_order():
            day = self.lapse_day(lot)
            if day is not None and day <= through:
                day = max(day, self.filled(lot))
                to_party = f"breakage:{lot.business}"
                cause, left = self.origin(lot), self.left(lot)
                self.write("expiry", cause, left, "member", to_party, lot, business_date=day)

    def filled(self, lot: Event) -> date:
        """The day a lot last got points."""
        types = {"accrual", "opening_balance", "release", "restore", "renewal_in"}
        return max(
            entry.business_date
            for entry in self.entries
            if entry.lot_id == lot.lot_id and entry.entry_type in types
        )

    def own_last_day(self, lot: Event) -> date | None:
        """By the lot's rule, as the member's activity is now."""
        if lot.idle_months == 0 or lot.lot_id in self.parents:
            return lot.expires_on_date
        days = [day for day in (self.last_activity, lot.business_date) if day is not None]
        idle = [rounded(later(day, lot.idle_months), lot.round_up_months) for day in days]
        alive = next(day for day in idle if day >= lot.business_date)
        return min(alive, lot.expires_on_date or date.max)

    def kept_through(self, lot: Event) -> date | None:
        """Its own last day, or that of its reinstatement."""
        own = self.own_last_day(lot)
        return own and max(own, self.reinstated.get(str(lot.lot_id), own))

    def lapse_day(self, lot: Event) -> date | None:
        """The first day from its own last day on that is not exempt or not followed by such a day.

        What returns later than that, on an exempt day, waits for the next such day.
        """
        day, filled = self.kept_through(lot), self.filled(lot)
        if day is not None and filled > day and self.is_exempt(lot, filled):
            day = filled
        while day is not None and self.is_exempt(lot, day) and self.is_exempt(lot, next_day(day)):
            day = next((start for start, _ in self.tiers if start > next_day(day)), None)
            day = day and day - timedelta(days=1)
        return day

    def last_day(self, lot: Event) -> date | None:
        """What is known of the day on which it lapses."""
        return None if self.is_exempt(lot, date.max) else self.kept_through(lot)

    def is_exempt(self, lot: Event, day: date) -> bool:
        held = [bit for start, bit in self.tiers if start <= day]
        return bool(held and held[-1] & lot.exempt_tier_bits)

    def tier(self, event: Event) -> None:
        self.tiers.append((event.business_date, event.tier_bit))

    def clock(self, event: Event) -> None:
        pass

    def opening(self, event: Event) -> None:
        self.accrual(event, "opening_balance", f"opening:{event.business}")

    def accrual(
        self, event: Event, entry_type: str = "accrual", from_party: str | None = None
    ) -> None:
        assert event.lot_id is not None
        self.lots[event.lot_id] = event
        from_party = from_party or f"issuer:{event.business}"
        if event.release_on_date is not None and event.release_on_date > event.business_date:
            self.write("pending", event, event.points, from_party, "member_pending", event)
            return
        self.write(entry_type, event, event.points, from_party, "member", event)
        self.repay(event, event)

    def renewal(self, event: Event) -> None:
        left, today = event.points, event.business_date
        until = today + timedelta(days=event.renewal_window_days)
        for lot in self.lots_in_order():
            last_day, lot_id = self.last_day(lot), str(lot.lot_id)
            is_due = last_day is not None and today <= last_day <= until
            if is_due and lot_id not in {*self.parents, *self.parents.values()}:
                assert last_day is not None
                moved, party = min(left, self.left(lot)), f"renewal:{lot.business}"
                left -= moved
                if moved == 0:
                    return
                piece = f"{lot_id}/renewed"
                expires = later(last_day, event.renewal_extension_months)
                self.lots[piece] = replace(lot, lot_id=piece, expires_on_date=expires)
                self.parents[piece] = lot_id
                own = {"settling_business": lot.business, "price_date": lot.price_date}
                self.write("renewal_out", event, moved, "member", party, lot, rule=lot, **own)
                piece_of = self.lots[piece]
                self.write("renewal_in", event, moved, party, "member", piece_of, rule=lot, **own)

    def redemption(self, event: Event) -> None:
        to_party, wanted = f"redeemer:{event.business}", event.points
        own = {"redeemer_business": event.business}
        for lot in self.lots_in_order():
            taken = min(wanted, self.left(lot))
            self.write("redemption", event, taken, "member", to_party, lot, rule=lot, **own)
            wanted -= taken
        self.write("redemption_debt", event, wanted, "member_debt", to_party, **own)

    def restore(self, event: Event) -> None:
        original = self.events.get(event.target_activity_id or "")
        if original is None or original.event_type != "redemption":
            original = None
        granted = 0 if original is None else min(event.points, self.restorable(original))
        memo = f"memo:{event.business}"
        self.write("restore_refused", event, event.points - granted, memo, memo)
        if original is None:
            return
        party = f"redeemer:{original.business}"
        own = {"redeemer_business": original.business, "settling_business": original.business}
        cancelled = min(granted, self.owing(original))
        account = {"source": original.source, "account_id": original.account_id}
        self.write("restore_debt", event, cancelled, party, "member_debt", **own, **account)
        granted -= cancelled
        while granted > 0:
            lot, held = self.pieces(original)[-1]
            given = min(granted, held)
            self.write("restore", event, given, party, "member", lot, rule=lot, **own)
            kept = self.own_last_day(lot)
            if lot.reinstatement_days and kept is not None and kept < event.business_date:
                days = timedelta(days=lot.reinstatement_days)
                self.reinstated[str(lot.lot_id)] = event.business_date + days
            self.repay(lot, event)
            granted -= given

    def claw_back(self, event: Event) -> None:
        order, memo = event.target_activity_id, f"memo:{event.business}"
        own = [lot for lot in self.lots_in_order() if lot.activity_id == order]
        party = f"issuer:{event.business}"
        if order not in {lot.activity_id for lot in self.lots.values()}:
            self.write("shortfall", event, event.points, memo, memo)
            return
        wanted = max(0, min(event.points, self.claimable_of_order(order)))
        for lot in reversed(self.pending_lots()):
            if lot.activity_id == order:
                taken = min(wanted, self.pending(lot))
                self.write("pending_claw_back", event, taken, "member_pending", party, lot)
                wanted -= taken
        wanted = max(0, min(wanted, self.claimable()))
        for lot in own + self.lots_in_order() if event.refund_policy != "only_pending" else []:
            taken = min(wanted, self.left(lot))
            self.write("claw_back", event, taken, "member", party, lot)
            wanted -= taken
        if event.refund_policy == "unlimited":
            self.write("claw_back_debt", event, wanted, "member_debt", party)
        else:
            self.write("shortfall", event, wanted, memo, memo)

    def repay(self, lot: Event, cause: Event) -> None:
        for debt in self.events.values():
            paid = min(self.left(lot), self.owing(debt))
            own = {"debt_activity_id": debt.activity_id, "settling_business": None}
            if debt.event_type == "redemption":
                own["redeemer_business"] = debt.business
            self.write("debt_repayment", cause, paid, "member", "member_debt", lot, rule=lot, **own)

    def write(
        self,
        entry_type: str,
        cause: Event,
        points: int,
        from_party: str,
        to_party: str,
        lot: Event | None = None,
        rule: Event | None = None,
        **columns: Any,
    ) -> None:
        if points == 0:
            return
        account = lot or cause
        entry = Entry(
            entry_type=entry_type,
            source=account.source,
            account_id=account.account_id,
            activity_id=cause.activity_id,
            lot_id=lot and lot.lot_id,
            parent_lot_id=lot and self.parents.get(str(lot.lot_id)),
            debt_activity_id=None,
            business_date=cause.business_date,
            issuer_business=lot and lot.business,
            redeemer_business=None,
            settling_business=cause.business,
            price_date=cause.price_date,
            expires_on_date=lot and lot.expires_on_date,
            release_on_date=lot.release_on_date if lot and entry_type in PENDING_SIGNS else None,
            rule_id=(rule or cause).rule_id,
            from_party=from_party,
            to_party=to_party,
            points=points,
        )
        self.entries.append(replace(entry, **columns))

    def lots_in_order(self) -> list[Event]:
        """Lots that hold something, in consumption order."""
        return sorted(
            (lot for lot in self.lots.values() if self.left(lot) > 0),
            key=lambda lot: (
                self.last_day(lot) or date.max,
                lot.business_date,
                self.origin(lot).lot_id,
                lot.lot_id in self.parents,
            ),
        )

    def pending_lots(self) -> list[Event]:
        """Lots that are not released yet, by their day."""
        held = [lot for lot in self.lots.values() if self.pending(lot) > 0]
        return sorted(held, key=lambda lot: lot.release_on_date or date.max)

    def origin(self, lot: Event) -> Event:
        """The accrual of a lot, also of a renewed piece."""
        return self.lots[self.parents.get(str(lot.lot_id), str(lot.lot_id))]

    def pending(self, lot: Event) -> int:
        return sum(
            PENDING_SIGNS.get(entry.entry_type, 0) * entry.points
            for entry in self.entries
            if entry.lot_id == lot.lot_id
        )

    def left(self, lot: Event) -> int:
        return sum(
            LOT_SIGNS.get(entry.entry_type, 0) * entry.points
            for entry in self.entries
            if entry.lot_id == lot.lot_id
        )

    def owing(self, debt: Event) -> int:
        total = 0
        for entry in self.entries:
            if entry.entry_type == "restore_debt":
                activity_id = self.events[entry.activity_id].target_activity_id
            else:
                activity_id = entry.debt_activity_id or entry.activity_id
            if activity_id == debt.activity_id:
                total += DEBT_SIGNS.get(entry.entry_type, 0) * entry.points
        return total

    def restorable(self, redemption: Event) -> int:
        redeemed = self.total("redemption", "redemption_debt", of=redemption.activity_id)
        return redeemed - sum(
            self.total("restore", "restore_debt", of=event.activity_id)
            for event in self.events.values()
            if event.target_activity_id == redemption.activity_id
        )

    def pieces(self, redemption: Event) -> list[tuple[Event, int]]:
        """What lots paid of a redemption and did not get back, oldest first."""
        pieces: list[tuple[Event, int]] = []
        for entry in self.entries:
            if entry.entry_type in {"redemption", "debt_repayment"} and entry.lot_id is not None:
                if (entry.debt_activity_id or entry.activity_id) == redemption.activity_id:
                    pieces.append((self.lots[entry.lot_id], entry.points))
            elif entry.entry_type == "restore" and self.is_of(entry, redemption):
                lot, held = pieces.pop()
                if held > entry.points:
                    pieces.append((lot, held - entry.points))
        return pieces

    def is_of(self, entry: Entry, original: Event) -> bool:
        """Whether the entry's event undoes another event."""
        return self.events[entry.activity_id].target_activity_id == original.activity_id

    def claimable_of_order(self, order: str | None) -> int:
        issued = self.total("accrual", "opening_balance", "pending", of=order)
        since_order = list(self.events.values())[list(self.events).index(str(order)) :]
        clawed_back = sum(
            self.total(*CLAW_BACKS, of=event.activity_id)
            for event in since_order
            if event.target_activity_id == order
        )
        return issued - self.total("expiry", of=order) - clawed_back

    def claimable(self) -> int:
        taken = self.total("expiry", "claw_back", "claw_back_debt")
        return self.total("accrual", "opening_balance", "release") - taken

    def total(self, *entry_types: str, of: str | None = None) -> int:
        return sum(
            entry.points
            for entry in self.entries
            if entry.entry_type in entry_types and of in {None, entry.activity_id}
        )


def later(day: date, months: int) -> date:
    """So many months later, or the last day of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def rounded(day: date, months: int) -> date:
    """The last day of the month, quarter .. of a day."""
    while months and (day.month % months or day.day < monthrange(day.year, day.month)[1]):
        day = next_day(day)
    return day


def next_day(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
