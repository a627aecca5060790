"""Points: the lots of each member, derived from their events in order, as a pure fold.

Rules: RULES §1 (last usable day), §2 (expiry), §3 (consumption order), §4 (refund after spend), §5
(pending), §12 (late award), as the tables of README.md. Everything is int64. A *row* is the
position of an event in the arrays, and it names what the event made: a debt is the row of the event
that left it uncovered, a lot the row of its accrual. What a renewal moves out of the lot of a row
is that lot's *renewed piece*, the lot of the row + the number of rows.

The fold is compiled (see `compiled`), so this file uses nothing of another one.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.compiled import compiled

Ints = npt.NDArray[np.int64]
Table = npt.NDArray[np.void]

NONE = -1  # no row, no activity
NEVER = 2**40  # later than any day: the last day of a lot without an expiry date

# What an event is. Events of one instant happen in the order of these numbers.
TIER, OPENING, RESTORE, REDEMPTION, RENEWAL, ACCRUAL, CLAW_BACK, CLOCK = 1, 2, 3, 4, 5, 6, 7, 8

# What a refund may take that is spent already.
WITHIN_BALANCE, UNLIMITED, ONLY_PENDING = 0, 1, 2

# What an entry is, in this order: entry_type, cause, lot, about, day, points, expires. `cause` is
# the row that made the entry (an expiry, a release: the lot's own accrual), `lot` the lot it moves
# or NONE, `about` the older row it undoes or settles (a restore: its redemption; a repayment: its
# debt) or NONE, `expires` the last day that the lot has from its own facts alone.
Entry = tuple[int, int, int, int, int, int, int]
ENTRY_TYPES = (
    "accrual",
    "claw_back",
    "claw_back_debt",
    "debt_repayment",
    "expiry",
    "last_day",
    "opening_balance",
    "pending",
    "pending_claw_back",
    "redemption",
    "redemption_debt",
    "release",
    "renewal_in",
    "renewal_out",
    "restore",
    "restore_debt",
    "restore_refused",
    "shortfall",
)
ACCRUED, CLAWED_BACK, CLAW_BACK_DEBT, DEBT_REPAID, EXPIRED, LAST_DAY, OPENED = 0, 1, 2, 3, 4, 5, 6
PENDING, PENDING_CLAWED_BACK, REDEEMED, REDEMPTION_DEBT, RELEASED = 7, 8, 9, 10, 11
RENEWED_IN, RENEWED_OUT, RESTORED, RESTORED_DEBT, RESTORE_REFUSED, SHORTFALL = (
    12,
    13,
    14,
    15,
    16,
    17,
)

# A piece of a redemption, paid by a lot: lot, points not given back yet, the piece before or NONE.
Piece = tuple[int, int, int]

# Positions in Book.at: what changes as the fold walks through one member.
FIRST, LOT_HEAD, LOT_TAIL, DEBT_HEAD, DEBT_TAIL, CLAIMABLE = 0, 1, 2, 3, 4, 5
PENDING_HEAD, PENDING_TAIL, LAST_ACTIVITY, HAS_IDLE_LOTS, TIER_HELD = 6, 7, 8, 9, 10
IDLE_MONTHS, IDLE_ROUND_MONTHS, IDLE_DAY = 11, 12, 13  # the idle day computed last, by its rule


# Columns of the events; a member's rows stand together, in order of time. They are fields of one
# array, as is what is known of lots, rows and activities, because every array that is handed to a
# compiled function costs time.
EVENT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "kind",  # TIER, OPENING ..
            "day",  # business date
            "points",  # > 0, but of a tier or a clock 0
            "activity",  # number of the activity, 0 ..
            "target",  # number of the order clawed back, the redemption restored, or NONE
            "policy",  # of a claw-back: WITHIN_BALANCE ..
            "is_qualifying",  # 1 if the event is activity that keeps idle lots alive
            "tier",  # of a tier: the bit of the tier held from this day on, or 0
            "window_days",  # of a renewal: what lapses within so many days is renewed
            "extension_months",  # of a renewal: how much longer they last
            "lot_order",  # of an accrual, as all that follows: the rank of its lot id
            "release",  # the day from which on its lot is usable
            "limit",  # the last day from the facts of its lot alone, or NEVER
            "idle_months",  # so long after the last activity its lot lapses, or 0
            "round_months",  # its last day moves to the end of a period of so many months
            "exempt",  # the bits of the tiers during which its lot does not lapse
            "reinstatement_days",  # so long points are usable that return after their last day
        )
    ]
)
# What is known of a lot.
LOT = np.dtype(
    [
        (name, np.int64)
        for name in (
            "row",  # the accrual that earned it, also if it is a renewed piece
            "remaining",  # points left in it
            "filled",  # the day it last got points
            "limit",  # the last day from its own facts; NONE of a renewed piece not made yet
            "floor",  # it lapses no earlier than this, as an exemption or a return says
            "last_day",  # the day on which it lapses, by all that is known; NEVER while exempt
            "is_listed",  # 1 while it stands in `in_order`
            "in_order",  # not by lot: the member's lots in consumption order
        )
    ]
)
# What is known of an event.
ROW = np.dtype(
    [
        (name, np.int64)
        for name in (
            "owing",  # points of a debt not repaid yet
            "last_piece",  # newest piece of a redemption not given back wholly, or NONE
            "debts",  # not by row: the member's debts, oldest first, from FIRST
            "pending",  # not by row: the member's lots not usable yet, by release
        )
    ]
)
# What is known of an activity.
ACTIVITY = np.dtype(
    [
        (name, np.int64)
        for name in (
            "order_row",  # row of its latest accrual
            "redemption_row",  # row of its first redemption
            "claimable",  # points issued, less those expired or clawed back already
            "restorable",  # points redeemed, less those restored already
        )
    ]
)


class Book(NamedTuple):
    """What is known so far."""

    lot: Table  # LOT
    row: Table  # ROW
    activity: Table  # ACTIVITY
    at: Ints  # where the fold is in the member: FIRST, LOT_HEAD ..; CLAIMABLE is the member's sum


def open_book(row_count: int, activity_count: int) -> Book:
    """A book in which nothing has happened."""
    book = Book(
        lot=np.zeros(2 * row_count, LOT),
        row=np.zeros(row_count, ROW),
        activity=np.zeros(activity_count, ACTIVITY),
        at=np.zeros(14, np.int64),
    )
    book.lot["row"] = np.tile(np.arange(row_count), 2)
    book.lot["limit"] = NONE
    book.lot["floor"] = -NEVER
    book.row["last_piece"] = NONE
    book.activity["order_row"] = NONE
    book.activity["redemption_row"] = NONE
    return book


@compiled
def fold_points(starts: Ints, events: Table, book: Book, closing_day: int) -> Ints:
    """Entries of every member, in the order they arise, what falls due by `closing_day` included.

    `starts` holds the first row of each member and, last, the number of rows; `book` is an open
    one. Returns one line an entry: entry_type (position in ENTRY_TYPES), cause, lot, about, day,
    points, expires.
    """
    entries = [(0, 0, 0, 0, 0, 0, 0) for _ in range(0)]  # empty, yet its type is known
    pieces = [(0, 0, 0) for _ in range(0)]
    for member in range(len(starts) - 1):
        first_entry = len(entries)
        turn_to_member(book, starts[member])
        for row in range(starts[member], starts[member + 1]):
            fall_due(events, book, entries, pieces, events["day"][row], events["day"][row] - 1)
            note_activity(events, book, row)
            happen(events, book, entries, pieces, row)
        fall_due(events, book, entries, pieces, closing_day, closing_day)
        note_last_days(events, book, entries)
        sum_alike(entries, first_entry)
    table = np.empty((len(entries), 7), np.int64)
    for number in range(len(entries)):
        for column in range(7):
            table[number, column] = entries[number][column]
    return table


@compiled
def happen(events: Table, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """What the event at `row` does; a clock does nothing but count as activity."""
    kind = events["kind"][row]
    if kind in (ACCRUAL, OPENING):
        accrue(events, book, entries, pieces, row)
    elif kind == REDEMPTION:
        redeem(events, book, entries, pieces, row)
    elif kind == RESTORE:
        restore(events, book, entries, pieces, row)
    elif kind == CLAW_BACK:
        claw_back(events, book, entries, row)
    elif kind == RENEWAL:
        renew(events, book, entries, row)
    elif kind == TIER:
        change_tier(events, book, row)


@compiled
def turn_to_member(book: Book, first: int) -> None:
    """Start a member whose first row is `first`: no lots, no debts, no activity, no tier."""
    book.at[FIRST] = first
    book.at[LOT_HEAD] = 2 * first
    book.at[LOT_TAIL] = 2 * first
    book.at[DEBT_HEAD] = first
    book.at[DEBT_TAIL] = first
    book.at[PENDING_HEAD] = first
    book.at[PENDING_TAIL] = first
    book.at[CLAIMABLE] = 0
    book.at[LAST_ACTIVITY] = -NEVER
    book.at[HAS_IDLE_LOTS] = 0
    book.at[TIER_HELD] = 0
    book.at[IDLE_MONTHS] = 0


@compiled
def fall_due(
    events: Table,
    book: Book,
    entries: list[Entry],
    pieces: list[Piece],
    release_day: int,
    last_day: int,
) -> None:
    """Let lapse what is usable through `last_day`; release what is usable from `release_day` on.

    A lot that is released after its last day lapses on the day of its release.
    """
    expire_lots(events, book, entries, last_day)
    if release_lots(events, book, entries, pieces, release_day):
        expire_lots(events, book, entries, last_day)


@compiled
def expire_lots(events: Table, book: Book, entries: list[Entry], through_day: int) -> None:
    """Let every lot lapse whose last usable day is not after `through_day`.

    A lot that was refilled after its last day lapses on the day it was refilled.
    """
    while book.at[LOT_HEAD] < book.at[LOT_TAIL]:
        lot = book.lot["in_order"][book.at[LOT_HEAD]]
        points = book.lot["remaining"][lot]
        if points > 0:
            if book.lot["last_day"][lot] > through_day:
                return
            row = book.lot["row"][lot]
            day = max(book.lot["last_day"][lot], book.lot["filled"][lot])
            entries.append((EXPIRED, row, lot, NONE, day, points, book.lot["limit"][lot]))
            book.lot["remaining"][lot] = 0
            book.activity["claimable"][events["activity"][row]] -= points
            book.at[CLAIMABLE] -= points
        book.lot["is_listed"][lot] = 0
        book.at[LOT_HEAD] += 1


@compiled
def release_lots(
    events: Table, book: Book, entries: list[Entry], pieces: list[Piece], through_day: int
) -> bool:
    """Make usable every pending lot whose day has come; whether there was one."""
    is_any = False
    while book.at[PENDING_HEAD] < book.at[PENDING_TAIL]:
        lot = book.row["pending"][book.at[PENDING_HEAD]]
        day = events["release"][lot]
        if day > through_day:
            break
        book.at[PENDING_HEAD] += 1
        points = book.lot["remaining"][lot]
        if points > 0:
            entries.append((RELEASED, lot, lot, NONE, day, points, book.lot["limit"][lot]))
            book.lot["filled"][lot] = day
            book.at[CLAIMABLE] += points
            list_new_lot(events, book, lot)
            repay_debts(events, book, entries, pieces, lot, lot, day)
            is_any = True
    return is_any


@compiled
def note_activity(events: Table, book: Book, row: int) -> None:
    """Qualifying activity starts the time anew after which idle lots lapse."""
    if events["is_qualifying"][row] and book.at[LAST_ACTIVITY] != events["day"][row]:
        book.at[LAST_ACTIVITY] = events["day"][row]
        book.at[IDLE_MONTHS] = 0
        if book.at[HAS_IDLE_LOTS]:
            put_in_order(events, book)


@compiled
def change_tier(events: Table, book: Book, row: int) -> None:
    """Hold another tier from the event's day on.

    Lots that the tier before exempted, and this one does not, lapse on the later of their own last
    day and the day before.
    """
    held, tier = book.at[TIER_HELD], events["tier"][row]
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        lot = book.lot["in_order"][place]
        exempt = events["exempt"][book.lot["row"][lot]]
        if exempt & held and not exempt & tier:
            book.lot["floor"][lot] = max(book.lot["floor"][lot], events["day"][row] - 1)
    book.at[TIER_HELD] = tier
    put_in_order(events, book)


@compiled
def accrue(events: Table, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Open a lot. Debts are repaid from it before anything of it can be spent.

    A lot that is released on a later day is pending until then.
    """
    day, points = events["day"][row], events["points"][row]
    activity = events["activity"][row]
    book.lot["remaining"][row] = points
    book.lot["filled"][row] = day
    book.lot["limit"][row] = events["limit"][row]
    book.activity["order_row"][activity] = row
    book.activity["claimable"][activity] += points
    if events["idle_months"][row] > 0:
        book.at[HAS_IDLE_LOTS] = 1
    if events["release"][row] > day:
        entries.append((PENDING, row, row, NONE, day, points, events["limit"][row]))
        await_release(events, book, row)
        return
    entry_type = OPENED if events["kind"][row] == OPENING else ACCRUED
    entries.append((entry_type, row, row, NONE, day, points, events["limit"][row]))
    book.at[CLAIMABLE] += points
    list_new_lot(events, book, row)
    repay_debts(events, book, entries, pieces, row, row, day)


@compiled
def await_release(events: Table, book: Book, lot: int) -> None:
    """Put a lot among the member's pending ones, earliest release first."""
    place = book.at[PENDING_TAIL]
    while place > book.at[PENDING_HEAD]:
        before = book.row["pending"][place - 1]
        if events["release"][before] <= events["release"][lot]:
            break
        book.row["pending"][place] = before
        place -= 1
    book.row["pending"][place] = lot
    book.at[PENDING_TAIL] += 1


@compiled
def redeem(events: Table, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Spend points, lot by lot in consumption order; what no lot covers becomes debt."""
    day = events["day"][row]
    wanted = events["points"][row]
    activity = events["activity"][row]
    if book.activity["redemption_row"][activity] < book.at[FIRST]:
        book.activity["redemption_row"][activity] = row
    book.activity["restorable"][activity] += wanted
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        if wanted == 0:
            break
        lot = book.lot["in_order"][place]
        taken = min(wanted, book.lot["remaining"][lot])
        if taken > 0:
            entries.append((REDEEMED, row, lot, NONE, day, taken, book.lot["limit"][lot]))
            book.lot["remaining"][lot] -= taken
            remember_piece(events, book, pieces, row, lot, taken)
            wanted -= taken
    if wanted > 0:
        entries.append((REDEMPTION_DEBT, row, NONE, NONE, day, wanted, NEVER))
        owe(book, row, wanted)


@compiled
def restore(events: Table, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Undo a redemption, wholly or in part: first its unpaid debt, then its pieces, newest first.

    Points return to the lot they came from, with its expiry, and repay debts before they can be
    spent. What was never redeemed, or has been restored already, is refused and noted.
    """
    day = events["day"][row]
    target = events["target"][row]
    wanted = events["points"][row]
    granted = 0
    if target != NONE and book.activity["redemption_row"][target] >= book.at[FIRST]:
        granted = min(wanted, book.activity["restorable"][target])
        book.activity["restorable"][target] -= granted
    if wanted > granted:
        entries.append((RESTORE_REFUSED, row, NONE, NONE, day, wanted - granted, NEVER))
    granted -= cancel_debt(events, book, entries, row, granted)
    while granted > 0:
        redemption = book.activity["redemption_row"][target]
        piece = book.row["last_piece"][redemption]
        lot, held, before = pieces[piece]
        given = min(granted, held)
        pieces[piece] = (lot, held - given, before)
        if given == held:
            book.row["last_piece"][redemption] = before
        entries.append((RESTORED, row, lot, redemption, day, given, book.lot["limit"][lot]))
        refill(events, book, lot, given, day)
        repay_debts(events, book, entries, pieces, lot, row, day)
        granted -= given


@compiled
def refill(events: Table, book: Book, lot: int, points: int, day: int) -> None:
    """Give points back to a lot; past its last day they stay usable as long as its rule says."""
    book.lot["remaining"][lot] += points
    book.lot["filled"][lot] = day
    days = events["reinstatement_days"][book.lot["row"][lot]]
    if days > 0 and own_last_day(events, book, lot) < day:
        book.lot["floor"][lot] = day + days
    if book.lot["is_listed"][lot]:
        put_in_order(events, book)
    else:
        list_lot_again(events, book, lot)


@compiled
def renew(events: Table, book: Book, entries: list[Entry], row: int) -> None:
    """Move points of lots that lapse soon, in order, to a renewed piece that lasts longer.

    A lot is renewed once, wholly or in part; its renewed piece never again.
    """
    day = events["day"][row]
    left = events["points"][row]
    place = book.at[LOT_HEAD]
    while left > 0 and place < book.at[LOT_TAIL]:
        lot = book.lot["in_order"][place]
        place += 1
        last_day = book.lot["last_day"][lot]
        if last_day > day + events["window_days"][row]:
            break
        piece = lot + len(events)
        if lot != book.lot["row"][lot] or book.lot["limit"][piece] != NONE:
            continue
        moved = min(left, book.lot["remaining"][lot])
        if moved > 0 and last_day >= day:
            book.lot["limit"][piece] = add_months(last_day, events["extension_months"][row])
            entries.append((RENEWED_OUT, row, lot, NONE, day, moved, book.lot["limit"][lot]))
            entries.append((RENEWED_IN, row, piece, NONE, day, moved, book.lot["limit"][piece]))
            book.lot["remaining"][lot] -= moved
            book.lot["remaining"][piece] = moved
            book.lot["filled"][piece] = day
            list_new_lot(events, book, piece)
            left -= moved


@compiled
def claw_back(events: Table, book: Book, entries: list[Entry], row: int) -> None:
    """Take back the points of a refunded order: what is pending of it, then from its own lots, then
    from the member's others.

    Never what expired or was clawed back before, neither of the order nor of the member as a whole.
    Points of the order that were spent are still owed; the policy says whether as debt or as a
    shortfall, or whether nothing is taken that is not pending.
    """
    order, day, policy = events["target"][row], events["day"][row], events["policy"][row]
    if order == NONE or book.activity["order_row"][order] < book.at[FIRST]:
        entries.append((SHORTFALL, row, NONE, NONE, day, events["points"][row], NEVER))
        return
    wanted = min(events["points"][row], book.activity["claimable"][order])
    cancelled = cancel_pending(events, book, entries, row, wanted)
    book.activity["claimable"][order] -= cancelled
    owed = min(wanted - cancelled, book.at[CLAIMABLE])
    if owed <= 0:
        return
    book.activity["claimable"][order] -= owed
    missing = owed
    if policy != ONLY_PENDING:
        missing = take_lots(events, book, entries, row, missing, True)
        missing = take_lots(events, book, entries, row, missing, False)
    book.at[CLAIMABLE] -= owed
    if missing > 0 and policy == UNLIMITED:
        entries.append((CLAW_BACK_DEBT, row, NONE, NONE, day, missing, NEVER))
        owe(book, row, missing)
    elif missing > 0:
        entries.append((SHORTFALL, row, NONE, NONE, day, missing, NEVER))
        book.at[CLAIMABLE] += missing  # the member keeps these points, so they can still lapse


@compiled
def cancel_pending(events: Table, book: Book, entries: list[Entry], row: int, wanted: int) -> int:
    """Claw back what is pending of an order, the last to be released first; returns how much."""
    cancelled = 0
    for place in range(book.at[PENDING_TAIL] - 1, book.at[PENDING_HEAD] - 1, -1):
        lot = book.row["pending"][place]
        if events["activity"][lot] == events["target"][row]:
            taken = min(wanted - cancelled, book.lot["remaining"][lot])
            if taken > 0:
                day = events["day"][row]
                entries.append(
                    (PENDING_CLAWED_BACK, row, lot, NONE, day, taken, book.lot["limit"][lot])
                )
                book.lot["remaining"][lot] -= taken
                cancelled += taken
    return cancelled


@compiled
def take_lots(
    events: Table, book: Book, entries: list[Entry], row: int, wanted: int, is_own: bool
) -> int:
    """Claw back from the lots of the order itself, or from all; returns what they did not hold."""
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        if wanted == 0:
            break
        lot = book.lot["in_order"][place]
        if is_own and events["activity"][book.lot["row"][lot]] != events["target"][row]:
            continue
        taken = min(wanted, book.lot["remaining"][lot])
        if taken > 0:
            day = events["day"][row]
            entries.append((CLAWED_BACK, row, lot, NONE, day, taken, book.lot["limit"][lot]))
            book.lot["remaining"][lot] -= taken
            wanted -= taken
    return wanted


@compiled
def owe(book: Book, row: int, points: int) -> None:
    """Book a debt that the event at `row` leaves."""
    book.row["owing"][row] = points
    book.row["debts"][book.at[DEBT_TAIL]] = row
    book.at[DEBT_TAIL] += 1


@compiled
def repay_debts(
    events: Table,
    book: Book,
    entries: list[Entry],
    pieces: list[Piece],
    lot: int,
    row: int,
    day: int,
) -> None:
    """Repay debts from a lot that the event at `row` filled on `day`, oldest debt first.

    A lot that repays a redemption's debt has thereby paid a piece of that redemption.
    """
    while book.lot["remaining"][lot] > 0 and book.at[DEBT_HEAD] < book.at[DEBT_TAIL]:
        debt = book.row["debts"][book.at[DEBT_HEAD]]
        paid = min(book.lot["remaining"][lot], book.row["owing"][debt])
        if paid > 0:
            entries.append((DEBT_REPAID, row, lot, debt, day, paid, book.lot["limit"][lot]))
            book.lot["remaining"][lot] -= paid
            book.row["owing"][debt] -= paid
            if events["kind"][debt] == REDEMPTION:
                remember_piece(events, book, pieces, debt, lot, paid)
        if book.row["owing"][debt] == 0:
            book.at[DEBT_HEAD] += 1


@compiled
def cancel_debt(events: Table, book: Book, entries: list[Entry], row: int, granted: int) -> int:
    """Cancel the unpaid debt of the redemption that `row` restores; returns how many points."""
    cancelled = 0
    for place in range(book.at[DEBT_HEAD], book.at[DEBT_TAIL]):
        debt = book.row["debts"][place]
        if events["kind"][debt] == REDEMPTION and events["activity"][debt] == events["target"][row]:
            points = min(granted - cancelled, book.row["owing"][debt])
            if points > 0:
                entries.append((RESTORED_DEBT, row, NONE, debt, events["day"][row], points, NEVER))
                book.row["owing"][debt] -= points
                cancelled += points
    return cancelled


@compiled
def remember_piece(
    events: Table, book: Book, pieces: list[Piece], row: int, lot: int, points: int
) -> None:
    """Note that `lot` paid points of the redemption that the event at `row` belongs to."""
    redemption = book.activity["redemption_row"][events["activity"][row]]
    pieces.append((lot, points, book.row["last_piece"][redemption]))
    book.row["last_piece"][redemption] = len(pieces) - 1


@compiled
def own_last_day(events: Table, book: Book, lot: int) -> int:
    """The day on which a lot lapses by its rule: its limit, or earlier if the member is idle.

    Without any activity, or if it would lapse before it was earned, a lot counts from that day.
    """
    row = book.lot["row"][lot]
    if lot != row or events["idle_months"][row] == 0:
        return int(book.lot["limit"][lot])
    months, ends = events["idle_months"][row], events["round_months"][row]
    if book.at[LAST_ACTIVITY] == -NEVER:
        idle_day = -NEVER
    elif book.at[IDLE_MONTHS] == months and book.at[IDLE_ROUND_MONTHS] == ends:
        idle_day = int(book.at[IDLE_DAY])
    else:
        idle_day = period_end(add_months(book.at[LAST_ACTIVITY], months), ends)
        book.at[IDLE_MONTHS], book.at[IDLE_ROUND_MONTHS] = months, ends
        book.at[IDLE_DAY] = idle_day
    if idle_day < events["day"][row]:
        idle_day = period_end(add_months(events["day"][row], months), ends)
    return int(min(book.lot["limit"][lot], idle_day))


@compiled
def last_day_of(events: Table, book: Book, lot: int) -> int:
    """The day on which a lot lapses by all that is known; NEVER while the tier held exempts it."""
    if events["exempt"][book.lot["row"][lot]] & book.at[TIER_HELD]:
        return NEVER
    return int(max(own_last_day(events, book, lot), book.lot["floor"][lot]))


@compiled
def list_new_lot(events: Table, book: Book, lot: int) -> None:
    """Put a lot that never stood there among the member's lots in consumption order."""
    book.lot["last_day"][lot] = last_day_of(events, book, lot)
    place = place_of_lot(events, book, lot)
    for later in range(book.at[LOT_TAIL], place, -1):
        book.lot["in_order"][later] = book.lot["in_order"][later - 1]
    book.lot["in_order"][place] = lot
    book.lot["is_listed"][lot] = 1
    book.at[LOT_TAIL] += 1


@compiled
def list_lot_again(events: Table, book: Book, lot: int) -> None:
    """Put a lot back among the member's lots; when it left them it left room in front."""
    book.lot["last_day"][lot] = last_day_of(events, book, lot)
    place = place_of_lot(events, book, lot) - 1
    book.at[LOT_HEAD] -= 1
    for earlier in range(book.at[LOT_HEAD], place):
        book.lot["in_order"][earlier] = book.lot["in_order"][earlier + 1]
    book.lot["in_order"][place] = lot
    book.lot["is_listed"][lot] = 1


@compiled
def put_in_order(events: Table, book: Book) -> None:
    """Determine anew on which day each of the member's lots lapses, and so their order."""
    head = book.at[LOT_HEAD]
    for number in range(head, book.at[LOT_TAIL]):
        lot = book.lot["in_order"][number]
        book.lot["last_day"][lot] = last_day_of(events, book, lot)
        place = number
        while place > head and is_consumed_before(
            events, book, lot, book.lot["in_order"][place - 1]
        ):
            book.lot["in_order"][place] = book.lot["in_order"][place - 1]
            place -= 1
        book.lot["in_order"][place] = lot


@compiled
def place_of_lot(events: Table, book: Book, lot: int) -> int:
    """Where a lot would stand among the member's lots in consumption order."""
    low, high = int(book.at[LOT_HEAD]), int(book.at[LOT_TAIL])
    while low < high:
        middle = (low + high) // 2
        if is_consumed_before(events, book, book.lot["in_order"][middle], lot):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def is_consumed_before(events: Table, book: Book, lot: int, other: int) -> bool:
    """Earliest expiry first (lots that never expire last), then earliest earned, then lot id.

    The id of a renewed piece comes right after that of the lot it was moved out of.
    """
    if book.lot["last_day"][lot] != book.lot["last_day"][other]:
        return bool(book.lot["last_day"][lot] < book.lot["last_day"][other])
    row, other_row = book.lot["row"][lot], book.lot["row"][other]
    if events["day"][row] != events["day"][other_row]:
        return bool(events["day"][row] < events["day"][other_row])
    if row != other_row:
        return bool(events["lot_order"][row] < events["lot_order"][other_row])
    return lot < other


@compiled
def note_last_days(events: Table, book: Book, entries: list[Entry]) -> None:
    """Note of each lot that holds something when it lapses, if that is not its limit."""
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        lot = book.lot["in_order"][place]
        points, last_day = book.lot["remaining"][lot], book.lot["last_day"][lot]
        if points > 0 and last_day != book.lot["limit"][lot]:
            row = book.lot["row"][lot]
            entries.append((LAST_DAY, row, lot, NONE, events["day"][row], points, last_day))


@compiled
def add_months(day: int, months: int) -> int:
    """The same day of the month so many months later; in a shorter month its last day."""
    number = month_number(day)
    first_day, next_first_day = first_of_month(number + months), first_of_month(number + months + 1)
    return min(first_day + day - first_of_month(number), next_first_day - 1)


@compiled
def period_end(day: int, months: int) -> int:
    """The last day of the month (1), quarter (3) .. of the year that a day lies in; 0: the day."""
    if months == 0:
        return day
    return first_of_month((month_number(day) // months + 1) * months) - 1


@compiled
def month_number(day: int) -> int:
    """Months from January of year 0 to the month of a day counted from 1970-01-01."""
    number = (
        23_640 + day * 4_800 // 146_097
    )  # 400 years have so many months and days; may be one off
    while first_of_month(number) > day:
        number -= 1
    while first_of_month(number + 1) <= day:
        number += 1
    return number


@compiled
def first_of_month(number: int) -> int:
    """The first day of a month, counted from 1970-01-01, in the proleptic Gregorian calendar.

    Years are counted from March, so that a leap day is the last day of its year.
    """
    year = (number - 2) // 12
    month = (number - 2) % 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 - 719_468


@compiled
def sum_alike(entries: list[Entry], first: int) -> None:
    """Make one entry of those from `first` on that differ in nothing but points.

    Entries arise in order of their days, so it is enough to look back as far as the same day.
    """
    kept = first
    for number in range(first, len(entries)):
        entry = entries[number]
        place = kept - 1
        while place >= first and entries[place][4] == entry[4] and entries[place][:4] != entry[:4]:
            place -= 1
        if place >= first and entries[place][4] == entry[4]:
            entries[place] = (*entry[:5], entries[place][5] + entry[5], entry[6])
        else:
            entries[kept] = entry
            kept += 1
    while len(entries) > kept:
        entries.pop()
