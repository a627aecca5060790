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


class Events(NamedTuple):
    """Columns of the events, one value a row; a member's rows stand together, in order of time."""

    kind: Ints
    day: Ints  # business date
    points: Ints  # > 0, but of a tier or a clock 0
    activity: Ints  # number of the activity, 0 ..
    target: Ints  # number of the order clawed back or the redemption restored, or NONE
    policy: Ints  # of a claw-back: WITHIN_BALANCE ..
    is_qualifying: Ints  # 1 if the event is activity that keeps idle lots alive
    tier: Ints  # of a tier: the bit of the tier held from this day on, 0 if no rule names it
    window_days: Ints  # of a renewal: lots whose last day is at most so many days off are renewed
    extension_months: Ints  # of a renewal: how much longer they last
    lot_order: Ints  # of an accrual, as all that follows: the rank of its lot id
    release: Ints  # the day from which on its lot is usable
    limit: Ints  # the last day that its lot has from its own facts alone, or NEVER
    idle_months: Ints  # so long after the last activity its lot lapses, or 0
    round_months: Ints  # the last day moves to the end of a period of so many months, or 0
    exempt: Ints  # the bits of the tiers during which its lot does not lapse
    reinstatement_days: Ints  # so long points can be used that return after their last day, or 0


class Book(NamedTuple):
    """What is known so far. Indexed by row, except where it says by activity or by lot."""

    remaining: Ints  # by lot: points left in it
    filled: Ints  # by lot: the day it last got points
    limit: Ints  # by lot: the last day from its own facts; NONE of a renewed piece not made yet
    floor: Ints  # by lot: it lapses no earlier than this, as an exemption or a return says
    last_day: Ints  # by lot: the day on which it lapses, by all that is known; NEVER while exempt
    is_listed: Ints  # by lot: 1 while it stands in `lots`
    lots: Ints  # the member's lots in consumption order, LOT_HEAD to LOT_TAIL
    pending: Ints  # the member's lots that are not usable yet, by release, from PENDING_HEAD
    owing: Ints  # points of a debt not repaid yet
    debts: Ints  # the member's debts, oldest first, from FIRST; DEBT_HEAD skips those repaid
    last_piece: Ints  # newest piece of a redemption not given back wholly, or NONE
    order_row: Ints  # by activity: row of its latest accrual
    redemption_row: Ints  # by activity: row of its first redemption
    claimable: Ints  # by activity: points issued, less those expired or clawed back already
    restorable: Ints  # by activity: points redeemed, less those restored already
    at: Ints  # where the fold is in the member: FIRST, LOT_HEAD ..; CLAIMABLE is the member's sum


@compiled
def fold_points(starts: Ints, events: Events, activity_count: int, closing_day: int) -> Ints:
    """Entries of every member, in the order they arise, what falls due by `closing_day` included.

    `starts` holds the first row of each member and, last, the number of rows. Returns one line an
    entry: entry_type (position in ENTRY_TYPES), cause, lot, about, day, points, expires.
    """
    book = open_book(len(events.kind), activity_count)
    entries = [(0, 0, 0, 0, 0, 0, 0) for _ in range(0)]  # empty, yet its type is known
    pieces = [(0, 0, 0) for _ in range(0)]
    for member in range(len(starts) - 1):
        first_entry = len(entries)
        turn_to_member(book, starts[member])
        for row in range(starts[member], starts[member + 1]):
            fall_due(events, book, entries, pieces, events.day[row], events.day[row] - 1)
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
def happen(events: Events, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """What the event at `row` does; a clock does nothing but count as activity."""
    kind = events.kind[row]
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
def open_book(row_count: int, activity_count: int) -> Book:
    """A book in which nothing has happened."""
    return Book(
        remaining=np.zeros(2 * row_count, np.int64),
        filled=np.zeros(2 * row_count, np.int64),
        limit=np.full(2 * row_count, NONE, np.int64),
        floor=np.full(2 * row_count, -NEVER, np.int64),
        last_day=np.zeros(2 * row_count, np.int64),
        is_listed=np.zeros(2 * row_count, np.int64),
        lots=np.zeros(2 * row_count, np.int64),
        pending=np.zeros(row_count, np.int64),
        owing=np.zeros(row_count, np.int64),
        debts=np.zeros(row_count, np.int64),
        last_piece=np.full(row_count, NONE, np.int64),
        order_row=np.full(activity_count, NONE, np.int64),
        redemption_row=np.full(activity_count, NONE, np.int64),
        claimable=np.zeros(activity_count, np.int64),
        restorable=np.zeros(activity_count, np.int64),
        at=np.zeros(11, np.int64),
    )


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


@compiled
def fall_due(
    events: Events,
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
def expire_lots(events: Events, book: Book, entries: list[Entry], through_day: int) -> None:
    """Let every lot lapse whose last usable day is not after `through_day`.

    A lot that was refilled after its last day lapses on the day it was refilled.
    """
    while book.at[LOT_HEAD] < book.at[LOT_TAIL]:
        lot = book.lots[book.at[LOT_HEAD]]
        points = book.remaining[lot]
        if points > 0:
            if book.last_day[lot] > through_day:
                return
            row = origin(events, lot)
            day = max(book.last_day[lot], book.filled[lot])
            entries.append((EXPIRED, row, lot, NONE, day, points, book.limit[lot]))
            book.remaining[lot] = 0
            book.claimable[events.activity[row]] -= points
            book.at[CLAIMABLE] -= points
        book.is_listed[lot] = 0
        book.at[LOT_HEAD] += 1


@compiled
def release_lots(
    events: Events, book: Book, entries: list[Entry], pieces: list[Piece], through_day: int
) -> bool:
    """Make usable every pending lot whose day has come; whether there was one."""
    is_any = False
    while book.at[PENDING_HEAD] < book.at[PENDING_TAIL]:
        lot = book.pending[book.at[PENDING_HEAD]]
        day = events.release[lot]
        if day > through_day:
            break
        book.at[PENDING_HEAD] += 1
        points = book.remaining[lot]
        if points > 0:
            entries.append((RELEASED, lot, lot, NONE, day, points, book.limit[lot]))
            book.filled[lot] = day
            book.at[CLAIMABLE] += points
            list_new_lot(events, book, lot)
            repay_debts(events, book, entries, pieces, lot, lot, day)
            is_any = True
    return is_any


@compiled
def note_activity(events: Events, book: Book, row: int) -> None:
    """Qualifying activity starts the time anew after which idle lots lapse."""
    if events.is_qualifying[row] and book.at[LAST_ACTIVITY] != events.day[row]:
        book.at[LAST_ACTIVITY] = events.day[row]
        if book.at[HAS_IDLE_LOTS]:
            put_in_order(events, book)


@compiled
def change_tier(events: Events, book: Book, row: int) -> None:
    """Hold another tier from the event's day on.

    Lots that the tier before exempted, and this one does not, lapse on the later of their own last
    day and the day before.
    """
    held, tier = book.at[TIER_HELD], events.tier[row]
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        lot = book.lots[place]
        exempt = events.exempt[origin(events, lot)]
        if exempt & held and not exempt & tier:
            book.floor[lot] = max(book.floor[lot], events.day[row] - 1)
    book.at[TIER_HELD] = tier
    put_in_order(events, book)


@compiled
def accrue(events: Events, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Open a lot. Debts are repaid from it before anything of it can be spent.

    A lot that is released on a later day is pending until then.
    """
    day, points = events.day[row], events.points[row]
    activity = events.activity[row]
    book.remaining[row] = points
    book.filled[row] = day
    book.limit[row] = events.limit[row]
    book.order_row[activity] = row
    book.claimable[activity] += points
    if events.idle_months[row] > 0:
        book.at[HAS_IDLE_LOTS] = 1
    if events.release[row] > day:
        entries.append((PENDING, row, row, NONE, day, points, events.limit[row]))
        await_release(events, book, row)
        return
    entry_type = OPENED if events.kind[row] == OPENING else ACCRUED
    entries.append((entry_type, row, row, NONE, day, points, events.limit[row]))
    book.at[CLAIMABLE] += points
    list_new_lot(events, book, row)
    repay_debts(events, book, entries, pieces, row, row, day)


@compiled
def await_release(events: Events, book: Book, lot: int) -> None:
    """Put a lot among the member's pending ones, earliest release first."""
    place = book.at[PENDING_TAIL]
    while place > book.at[PENDING_HEAD]:
        before = book.pending[place - 1]
        if events.release[before] <= events.release[lot]:
            break
        book.pending[place] = before
        place -= 1
    book.pending[place] = lot
    book.at[PENDING_TAIL] += 1


@compiled
def redeem(events: Events, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Spend points, lot by lot in consumption order; what no lot covers becomes debt."""
    day = events.day[row]
    wanted = events.points[row]
    activity = events.activity[row]
    if book.redemption_row[activity] < book.at[FIRST]:
        book.redemption_row[activity] = row
    book.restorable[activity] += wanted
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        if wanted == 0:
            break
        lot = book.lots[place]
        taken = min(wanted, book.remaining[lot])
        if taken > 0:
            entries.append((REDEEMED, row, lot, NONE, day, taken, book.limit[lot]))
            book.remaining[lot] -= taken
            remember_piece(events, book, pieces, row, lot, taken)
            wanted -= taken
    if wanted > 0:
        entries.append((REDEMPTION_DEBT, row, NONE, NONE, day, wanted, NEVER))
        owe(book, row, wanted)


@compiled
def restore(
    events: Events, book: Book, entries: list[Entry], pieces: list[Piece], row: int
) -> None:
    """Undo a redemption, wholly or in part: first its unpaid debt, then its pieces, newest first.

    Points return to the lot they came from, with its expiry, and repay debts before they can be
    spent. What was never redeemed, or has been restored already, is refused and noted.
    """
    day = events.day[row]
    target = events.target[row]
    wanted = events.points[row]
    granted = 0
    if target != NONE and book.redemption_row[target] >= book.at[FIRST]:
        granted = min(wanted, book.restorable[target])
        book.restorable[target] -= granted
    if wanted > granted:
        entries.append((RESTORE_REFUSED, row, NONE, NONE, day, wanted - granted, NEVER))
    granted -= cancel_debt(events, book, entries, row, granted)
    while granted > 0:
        redemption = book.redemption_row[target]
        piece = book.last_piece[redemption]
        lot, held, before = pieces[piece]
        given = min(granted, held)
        pieces[piece] = (lot, held - given, before)
        if given == held:
            book.last_piece[redemption] = before
        entries.append((RESTORED, row, lot, redemption, day, given, book.limit[lot]))
        refill(events, book, lot, given, day)
        repay_debts(events, book, entries, pieces, lot, row, day)
        granted -= given


@compiled
def refill(events: Events, book: Book, lot: int, points: int, day: int) -> None:
    """Give points back to a lot; past its last day they stay usable as long as its rule says."""
    book.remaining[lot] += points
    book.filled[lot] = day
    days = events.reinstatement_days[origin(events, lot)]
    if days > 0 and own_last_day(events, book, lot) < day:
        book.floor[lot] = day + days
    if book.is_listed[lot]:
        put_in_order(events, book)
    else:
        list_lot_again(events, book, lot)


@compiled
def renew(events: Events, book: Book, entries: list[Entry], row: int) -> None:
    """Move points of lots that lapse soon, in order, to a renewed piece that lasts longer.

    A lot is renewed once, wholly or in part; its renewed piece never again.
    """
    day = events.day[row]
    left = events.points[row]
    place = book.at[LOT_HEAD]
    while left > 0 and place < book.at[LOT_TAIL]:
        lot = book.lots[place]
        place += 1
        last_day = book.last_day[lot]
        if last_day > day + events.window_days[row]:
            break
        piece = lot + len(events.kind)
        if lot != origin(events, lot) or book.limit[piece] != NONE:
            continue
        moved = min(left, book.remaining[lot])
        if moved > 0 and last_day >= day:
            book.limit[piece] = add_months(last_day, events.extension_months[row])
            entries.append((RENEWED_OUT, row, lot, NONE, day, moved, book.limit[lot]))
            entries.append((RENEWED_IN, row, piece, NONE, day, moved, book.limit[piece]))
            book.remaining[lot] -= moved
            book.remaining[piece] = moved
            book.filled[piece] = day
            list_new_lot(events, book, piece)
            left -= moved


@compiled
def claw_back(events: Events, book: Book, entries: list[Entry], row: int) -> None:
    """Take back the points of a refunded order: what is pending of it, then from its own lots, then
    from the member's others.

    Never what expired or was clawed back before, neither of the order nor of the member as a whole.
    Points of the order that were spent are still owed; the policy says whether as debt or as a
    shortfall, or whether nothing is taken that is not pending.
    """
    order, day, policy = events.target[row], events.day[row], events.policy[row]
    if order == NONE or book.order_row[order] < book.at[FIRST]:
        entries.append((SHORTFALL, row, NONE, NONE, day, events.points[row], NEVER))
        return
    wanted = min(events.points[row], book.claimable[order])
    cancelled = cancel_pending(events, book, entries, row, wanted)
    book.claimable[order] -= cancelled
    owed = min(wanted - cancelled, book.at[CLAIMABLE])
    if owed <= 0:
        return
    book.claimable[order] -= owed
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
def cancel_pending(events: Events, book: Book, entries: list[Entry], row: int, wanted: int) -> int:
    """Claw back what is pending of an order, the last to be released first; returns how much."""
    cancelled = 0
    for place in range(book.at[PENDING_TAIL] - 1, book.at[PENDING_HEAD] - 1, -1):
        lot = book.pending[place]
        if events.activity[lot] == events.target[row]:
            taken = min(wanted - cancelled, book.remaining[lot])
            if taken > 0:
                day = events.day[row]
                entries.append((PENDING_CLAWED_BACK, row, lot, NONE, day, taken, book.limit[lot]))
                book.remaining[lot] -= taken
                cancelled += taken
    return cancelled


@compiled
def take_lots(
    events: Events, book: Book, entries: list[Entry], row: int, wanted: int, is_own: bool
) -> int:
    """Claw back from the lots of the order itself, or from all; returns what they did not hold."""
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        if wanted == 0:
            break
        lot = book.lots[place]
        if is_own and events.activity[origin(events, lot)] != events.target[row]:
            continue
        taken = min(wanted, book.remaining[lot])
        if taken > 0:
            day = events.day[row]
            entries.append((CLAWED_BACK, row, lot, NONE, day, taken, book.limit[lot]))
            book.remaining[lot] -= taken
            wanted -= taken
    return wanted


@compiled
def owe(book: Book, row: int, points: int) -> None:
    """Book a debt that the event at `row` leaves."""
    book.owing[row] = points
    book.debts[book.at[DEBT_TAIL]] = row
    book.at[DEBT_TAIL] += 1


@compiled
def repay_debts(
    events: Events,
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
    while book.remaining[lot] > 0 and book.at[DEBT_HEAD] < book.at[DEBT_TAIL]:
        debt = book.debts[book.at[DEBT_HEAD]]
        paid = min(book.remaining[lot], book.owing[debt])
        if paid > 0:
            entries.append((DEBT_REPAID, row, lot, debt, day, paid, book.limit[lot]))
            book.remaining[lot] -= paid
            book.owing[debt] -= paid
            if events.kind[debt] == REDEMPTION:
                remember_piece(events, book, pieces, debt, lot, paid)
        if book.owing[debt] == 0:
            book.at[DEBT_HEAD] += 1


@compiled
def cancel_debt(events: Events, book: Book, entries: list[Entry], row: int, granted: int) -> int:
    """Cancel the unpaid debt of the redemption that `row` restores; returns how many points."""
    cancelled = 0
    for place in range(book.at[DEBT_HEAD], book.at[DEBT_TAIL]):
        debt = book.debts[place]
        if events.kind[debt] == REDEMPTION and events.activity[debt] == events.target[row]:
            points = min(granted - cancelled, book.owing[debt])
            if points > 0:
                entries.append((RESTORED_DEBT, row, NONE, debt, events.day[row], points, NEVER))
                book.owing[debt] -= points
                cancelled += points
    return cancelled


@compiled
def remember_piece(
    events: Events, book: Book, pieces: list[Piece], row: int, lot: int, points: int
) -> None:
    """Note that `lot` paid points of the redemption that the event at `row` belongs to."""
    redemption = book.redemption_row[events.activity[row]]
    pieces.append((lot, points, book.last_piece[redemption]))
    book.last_piece[redemption] = len(pieces) - 1


@compiled
def origin(events: Events, lot: int) -> int:
    """The row of the accrual that earned a lot, also that of a renewed piece."""
    count = len(events.kind)
    return lot - count if lot >= count else lot


@compiled
def own_last_day(events: Events, book: Book, lot: int) -> int:
    """The day on which a lot lapses by its rule: its limit, or earlier if the member is idle.

    Without any activity, or if it would lapse before it was earned, a lot counts from that day.
    """
    row = origin(events, lot)
    if lot != row or events.idle_months[row] == 0:
        return int(book.limit[lot])
    months, ends = events.idle_months[row], events.round_months[row]
    idle_day = -NEVER
    if book.at[LAST_ACTIVITY] > -NEVER:
        idle_day = period_end(add_months(book.at[LAST_ACTIVITY], months), ends)
    if idle_day < events.day[row]:
        idle_day = period_end(add_months(events.day[row], months), ends)
    return int(min(book.limit[lot], idle_day))


@compiled
def last_day_of(events: Events, book: Book, lot: int) -> int:
    """The day on which a lot lapses by all that is known; NEVER while the tier held exempts it."""
    if events.exempt[origin(events, lot)] & book.at[TIER_HELD]:
        return NEVER
    return int(max(own_last_day(events, book, lot), book.floor[lot]))


@compiled
def list_new_lot(events: Events, book: Book, lot: int) -> None:
    """Put a lot that never stood there among the member's lots in consumption order."""
    book.last_day[lot] = last_day_of(events, book, lot)
    place = place_of_lot(events, book, lot)
    for later in range(book.at[LOT_TAIL], place, -1):
        book.lots[later] = book.lots[later - 1]
    book.lots[place] = lot
    book.is_listed[lot] = 1
    book.at[LOT_TAIL] += 1


@compiled
def list_lot_again(events: Events, book: Book, lot: int) -> None:
    """Put a lot back among the member's lots; when it left them it left room in front."""
    book.last_day[lot] = last_day_of(events, book, lot)
    place = place_of_lot(events, book, lot) - 1
    book.at[LOT_HEAD] -= 1
    for earlier in range(book.at[LOT_HEAD], place):
        book.lots[earlier] = book.lots[earlier + 1]
    book.lots[place] = lot
    book.is_listed[lot] = 1


@compiled
def put_in_order(events: Events, book: Book) -> None:
    """Determine anew on which day each of the member's lots lapses, and so their order."""
    head = book.at[LOT_HEAD]
    for number in range(head, book.at[LOT_TAIL]):
        lot = book.lots[number]
        book.last_day[lot] = last_day_of(events, book, lot)
        place = number
        while place > head and is_consumed_before(events, book, lot, book.lots[place - 1]):
            book.lots[place] = book.lots[place - 1]
            place -= 1
        book.lots[place] = lot


@compiled
def place_of_lot(events: Events, book: Book, lot: int) -> int:
    """Where a lot would stand among the member's lots in consumption order."""
    low, high = int(book.at[LOT_HEAD]), int(book.at[LOT_TAIL])
    while low < high:
        middle = (low + high) // 2
        if is_consumed_before(events, book, book.lots[middle], lot):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def is_consumed_before(events: Events, book: Book, lot: int, other: int) -> bool:
    """Earliest expiry first (lots that never expire last), then earliest earned, then lot id.

    The id of a renewed piece comes right after that of the lot it was moved out of.
    """
    if book.last_day[lot] != book.last_day[other]:
        return bool(book.last_day[lot] < book.last_day[other])
    row, other_row = origin(events, lot), origin(events, other)
    if events.day[row] != events.day[other_row]:
        return bool(events.day[row] < events.day[other_row])
    if row != other_row:
        return bool(events.lot_order[row] < events.lot_order[other_row])
    return lot < other


@compiled
def note_last_days(events: Events, book: Book, entries: list[Entry]) -> None:
    """Note of each lot that holds something when it lapses, if that is not its limit."""
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        lot = book.lots[place]
        points, last_day = book.remaining[lot], book.last_day[lot]
        if points > 0 and last_day != book.limit[lot]:
            row = origin(events, lot)
            entries.append((LAST_DAY, row, lot, NONE, events.day[row], points, last_day))


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
