"""The points rules of ledger/README.md a second time: slow, in plain Python, apart from the fold.

Nothing is kept that can be counted: what a lot holds, what an order may still lose and what a
redemption may still get back are sums over the entries so far, taken again whenever needed.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

RANKS = {"restore": 1, "redemption": 2, "accrual": 3, "claw_back": 4}
LOT_SIGNS = {
    "accrual": 1,
    "restore": 1,
    "redemption": -1,
    "expiry": -1,
    "claw_back": -1,
    "debt_repayment": -1,
}
DEBT_SIGNS = {"redemption_debt": 1, "claw_back_debt": 1, "restore_debt": -1, "debt_repayment": -1}


@dataclass(frozen=True)
class Event:
    """One row of int_points_events; `slot` orders the events of a day."""

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
    slot: int = 0

    def order(self) -> tuple[Any, ...]:
        instant = (self.member_id, self.business_date, self.slot)
        return (*instant, RANKS[self.event_type], self.activity_id, self.lot_id or "")


@dataclass(frozen=True)
class Entry:
    """One row of points_entries."""

    entry_type: str
    source: str
    account_id: str
    activity_id: str
    lot_id: str | None
    debt_activity_id: str | None
    business_date: date
    issuer_business: str | None
    redeemer_business: str | None
    settling_business: str | None
    price_date: date
    expires_on_date: date | None
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
        book.expire(closing_date)
        for entry in book.entries:
            sums[replace(entry, points=0)] += entry.points
    return sums


@dataclass
class Book:
    """A member's events and entries so far, and all that follows from them."""

    events: dict[str, Event] = field(default_factory=dict)
    lots: dict[str, Event] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def add(self, event: Event) -> None:
        self.expire(event.business_date - timedelta(days=1))
        self.events[event.activity_id] = event
        getattr(self, event.event_type)(event)

    def expire(self, through: date) -> None:
        for lot in self.lots_in_order():
            if lot.expires_on_date is not None and lot.expires_on_date <= through:
                filled = [
                    entry.business_date
                    for entry in self.entries
                    if entry.lot_id == lot.lot_id and entry.entry_type in {"accrual", "restore"}
                ]
                day = max(lot.expires_on_date, *filled)
                to_party = f"breakage:{lot.business}"
                self.write(
                    "expiry", lot, self.left(lot), "member", to_party, lot, business_date=day
                )

    def accrual(self, event: Event) -> None:
        assert event.lot_id is not None
        self.lots[event.lot_id] = event
        self.write("accrual", event, event.points, f"issuer:{event.business}", "member", event)
        self.repay(event, event)

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
            self.repay(lot, event)
            granted -= given

    def claw_back(self, event: Event) -> None:
        order, memo = event.target_activity_id, f"memo:{event.business}"
        own = [lot for lot in self.lots_in_order() if lot.activity_id == order]
        if order not in {lot.activity_id for lot in self.lots.values()}:
            self.write("shortfall", event, event.points, memo, memo)
            return
        wanted = max(0, min(event.points, self.claimable_of_order(order), self.claimable()))
        for lot in own + self.lots_in_order():
            taken = min(wanted, self.left(lot))
            self.write("claw_back", event, taken, "member", f"issuer:{event.business}", lot)
            wanted -= taken
        if event.refund_policy == "unlimited":
            self.write("claw_back_debt", event, wanted, "member_debt", f"issuer:{event.business}")
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
            debt_activity_id=None,
            business_date=cause.business_date,
            issuer_business=lot and lot.business,
            redeemer_business=None,
            settling_business=cause.business,
            price_date=cause.price_date,
            expires_on_date=lot and lot.expires_on_date,
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
            key=lambda lot: (lot.expires_on_date or date.max, lot.business_date, lot.lot_id),
        )

    def left(self, lot: Event) -> int:
        return sum(
            LOT_SIGNS[entry.entry_type] * entry.points
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
        issued = self.total("accrual", of=order)
        since_order = list(self.events.values())[list(self.events).index(str(order)) :]
        clawed_back = sum(
            self.total("claw_back", "claw_back_debt", "shortfall", of=event.activity_id)
            for event in since_order
            if event.target_activity_id == order
        )
        return issued - self.total("expiry", of=order) - clawed_back

    def claimable(self) -> int:
        taken = self.total("expiry", "claw_back", "claw_back_debt")
        return self.total("accrual") - taken

    def total(self, *entry_types: str, of: str | None = None) -> int:
        return sum(
            entry.points
            for entry in self.entries
            if entry.entry_type in entry_types and of in {None, entry.activity_id}
        )
