"""Points: the lots of each member, derived from their events in order, as a pure fold.

Rules: RULES §1 (last usable day), §3 (consumption order), §4 (refund after spend), §12 (late
award), as the tables of README.md. Everything is int64. A *row* is the position of an event in the
arrays, and it names what the event made: a lot is the row of its accrual, a debt the row of the
event that left it uncovered.

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
RESTORE, REDEMPTION, ACCRUAL, CLAW_BACK = 1, 2, 3, 4

# What an entry is, in the order of its columns: entry_type, cause, lot, about, day, points.
# `cause` is the row that made the entry (an expiry: the lot's own accrual), `lot` the lot it moves
# or NONE, `about` the older row it undoes or settles (a restore: its redemption; a repayment: its
# debt) or NONE.
Entry = tuple[int, int, int, int, int, int]
ENTRY_TYPES = (
    "accrual",
    "claw_back",
    "claw_back_debt",
    "debt_repayment",
    "expiry",
    "redemption",
    "redemption_debt",
    "restore",
    "restore_debt",
    "restore_refused",
    "shortfall",
)
ACCRUED, CLAWED_BACK, CLAW_BACK_DEBT, DEBT_REPAID, EXPIRED, REDEEMED = 0, 1, 2, 3, 4, 5
REDEMPTION_DEBT, RESTORED, RESTORED_DEBT, RESTORE_REFUSED, SHORTFALL = 6, 7, 8, 9, 10

# A piece of a redemption, paid by a lot: lot, points not given back yet, the piece before or NONE.
Piece = tuple[int, int, int]

# Positions in Book.at: what changes as the fold walks through one member.
FIRST, LOT_HEAD, LOT_TAIL, DEBT_HEAD, DEBT_TAIL, CLAIMABLE = 0, 1, 2, 3, 4, 5


class Events(NamedTuple):
    """Columns of the events, one value a row; a member's rows stand together, in order of time."""

    kind: Ints
    day: Ints  # business date
    points: Ints  # > 0
    activity: Ints  # number of the activity, 0 ..
    target: Ints  # number of the order clawed back or the redemption restored, or NONE
    expires: Ints  # of an accrual: the last day its lot is usable, or NEVER
    lot_order: Ints  # of an accrual: the rank of its lot id
    is_unlimited: Ints  # of a claw-back: 1 if what is not there becomes debt, 0 if a shortfall


class Book(NamedTuple):
    """What is known so far. Indexed by row, except where it says by activity."""

    remaining: Ints  # points left in a lot
    filled: Ints  # the day a lot last got points
    owing: Ints  # points of a debt not repaid yet
    last_piece: Ints  # newest piece of a redemption not given back wholly, or NONE
    lots: Ints  # the member's lots in consumption order, from FIRST; LOT_HEAD skips those used up
    debts: Ints  # the member's debts, oldest first, from FIRST; DEBT_HEAD skips those repaid
    order_row: Ints  # by activity: row of its latest accrual
    redemption_row: Ints  # by activity: row of its first redemption
    claimable: Ints  # by activity: points issued, less those expired or clawed back already
    restorable: Ints  # by activity: points redeemed, less those restored already
    at: Ints  # where the fold is in the member: FIRST, LOT_HEAD ..; CLAIMABLE is the member's sum


@compiled
def fold_points(starts: Ints, events: Events, activity_count: int, closing_day: int) -> Ints:
    """Entries of every member, in the order they arise, expiries up to `closing_day` included.

    `starts` holds the first row of each member and, last, the number of rows. Returns one line an
    entry: entry_type (position in ENTRY_TYPES), cause, lot, about, day, points.
    """
    book = open_book(len(events.kind), activity_count)
    entries = [(0, 0, 0, 0, 0, 0) for _ in range(0)]  # empty, yet its type is known
    pieces = [(0, 0, 0) for _ in range(0)]
    for member in range(len(starts) - 1):
        first_entry = len(entries)
        turn_to_member(book, starts[member])
        for row in range(starts[member], starts[member + 1]):
            expire_lots(events, book, entries, events.day[row] - 1)
            if events.kind[row] == ACCRUAL:
                accrue(events, book, entries, pieces, row)
            elif events.kind[row] == REDEMPTION:
                redeem(events, book, entries, pieces, row)
            elif events.kind[row] == RESTORE:
                restore(events, book, entries, pieces, row)
            else:
                claw_back(events, book, entries, row)
        expire_lots(events, book, entries, closing_day)
        sum_alike(entries, first_entry)
    table = np.empty((len(entries), 6), np.int64)
    for number in range(len(entries)):
        for column in range(6):
            table[number, column] = entries[number][column]
    return table


@compiled
def open_book(row_count: int, activity_count: int) -> Book:
    """A book in which nothing has happened."""
    return Book(
        remaining=np.zeros(row_count, np.int64),
        filled=np.zeros(row_count, np.int64),
        owing=np.zeros(row_count, np.int64),
        last_piece=np.full(row_count, NONE, np.int64),
        lots=np.zeros(row_count, np.int64),
        debts=np.zeros(row_count, np.int64),
        order_row=np.full(activity_count, NONE, np.int64),
        redemption_row=np.full(activity_count, NONE, np.int64),
        claimable=np.zeros(activity_count, np.int64),
        restorable=np.zeros(activity_count, np.int64),
        at=np.zeros(6, np.int64),
    )


@compiled
def turn_to_member(book: Book, first: int) -> None:
    """Start a member whose first row is `first`: no lots, no debts."""
    book.at[FIRST] = first
    book.at[LOT_HEAD] = first
    book.at[LOT_TAIL] = first
    book.at[DEBT_HEAD] = first
    book.at[DEBT_TAIL] = first
    book.at[CLAIMABLE] = 0


@compiled
def expire_lots(events: Events, book: Book, entries: list[Entry], through_day: int) -> None:
    """Let every lot lapse whose last usable day is not after `through_day`.

    A lot that was refilled after its last day lapses on the day it was refilled.
    """
    while book.at[LOT_HEAD] < book.at[LOT_TAIL]:
        lot = book.lots[book.at[LOT_HEAD]]
        points = book.remaining[lot]
        if points > 0:
            if events.expires[lot] > through_day:
                return
            day = max(events.expires[lot], book.filled[lot])
            entries.append((EXPIRED, lot, lot, NONE, day, points))
            book.remaining[lot] = 0
            book.claimable[events.activity[lot]] -= points
            book.at[CLAIMABLE] -= points
        book.at[LOT_HEAD] += 1


@compiled
def accrue(events: Events, book: Book, entries: list[Entry], pieces: list[Piece], row: int) -> None:
    """Open a lot. Debts are repaid from it before anything of it can be spent."""
    points = events.points[row]
    activity = events.activity[row]
    entries.append((ACCRUED, row, row, NONE, events.day[row], points))
    book.remaining[row] = points
    book.filled[row] = events.day[row]
    book.order_row[activity] = row
    book.claimable[activity] += points
    book.at[CLAIMABLE] += points
    place = place_of_lot(events, book, row)
    for later in range(book.at[LOT_TAIL], place, -1):
        book.lots[later] = book.lots[later - 1]
    book.lots[place] = row
    book.at[LOT_TAIL] += 1
    book.at[LOT_HEAD] = min(book.at[LOT_HEAD], place)
    repay_debts(events, book, entries, pieces, row, row)


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
            entries.append((REDEEMED, row, lot, NONE, day, taken))
            book.remaining[lot] -= taken
            remember_piece(events, book, pieces, row, lot, taken)
            wanted -= taken
    if wanted > 0:
        entries.append((REDEMPTION_DEBT, row, NONE, NONE, day, wanted))
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
        entries.append((RESTORE_REFUSED, row, NONE, NONE, day, wanted - granted))
    granted -= cancel_debt(events, book, entries, row, granted)
    while granted > 0:
        redemption = book.redemption_row[target]
        piece = book.last_piece[redemption]
        lot, held, before = pieces[piece]
        given = min(granted, held)
        pieces[piece] = (lot, held - given, before)
        if given == held:
            book.last_piece[redemption] = before
        entries.append((RESTORED, row, lot, redemption, day, given))
        book.remaining[lot] += given
        book.filled[lot] = day
        book.at[LOT_HEAD] = min(book.at[LOT_HEAD], place_of_lot(events, book, lot))
        repay_debts(events, book, entries, pieces, lot, row)
        granted -= given


@compiled
def claw_back(events: Events, book: Book, entries: list[Entry], row: int) -> None:
    """Take back the points of a refunded order: from its own lots, then from the member's others.

    Never what expired or was clawed back before, neither of the order nor of the member as a whole.
    Points of the order that were spent are still owed; the policy says whether as debt or as a
    shortfall.
    """
    order = events.target[row]
    if order == NONE or book.order_row[order] < book.at[FIRST]:
        entries.append((SHORTFALL, row, NONE, NONE, events.day[row], events.points[row]))
        return
    owed = min(events.points[row], book.claimable[order], book.at[CLAIMABLE])
    if owed <= 0:
        return
    book.claimable[order] -= owed
    missing = take_lots(events, book, entries, row, owed, True)
    missing = take_lots(events, book, entries, row, missing, False)
    book.at[CLAIMABLE] -= owed
    if missing > 0 and events.is_unlimited[row]:
        entries.append((CLAW_BACK_DEBT, row, NONE, NONE, events.day[row], missing))
        owe(book, row, missing)
    elif missing > 0:
        entries.append((SHORTFALL, row, NONE, NONE, events.day[row], missing))
        book.at[CLAIMABLE] += missing  # the member keeps these points, so they can still lapse


@compiled
def take_lots(
    events: Events, book: Book, entries: list[Entry], row: int, wanted: int, is_own: bool
) -> int:
    """Claw back from the lots of the order itself, or from all; returns what they did not hold."""
    for place in range(book.at[LOT_HEAD], book.at[LOT_TAIL]):
        if wanted == 0:
            break
        lot = book.lots[place]
        if is_own and events.activity[lot] != events.target[row]:
            continue
        taken = min(wanted, book.remaining[lot])
        if taken > 0:
            entries.append((CLAWED_BACK, row, lot, NONE, events.day[row], taken))
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
    events: Events, book: Book, entries: list[Entry], pieces: list[Piece], lot: int, row: int
) -> None:
    """Repay debts from a lot that the event at `row` filled, oldest debt first.

    A lot that repays a redemption's debt has thereby paid a piece of that redemption.
    """
    while book.remaining[lot] > 0 and book.at[DEBT_HEAD] < book.at[DEBT_TAIL]:
        debt = book.debts[book.at[DEBT_HEAD]]
        paid = min(book.remaining[lot], book.owing[debt])
        if paid > 0:
            entries.append((DEBT_REPAID, row, lot, debt, events.day[row], paid))
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
                entries.append((RESTORED_DEBT, row, NONE, debt, events.day[row], points))
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
def place_of_lot(events: Events, book: Book, lot: int) -> int:
    """Where a lot stands, or would stand, among the member's lots in consumption order."""
    low, high = int(book.at[FIRST]), int(book.at[LOT_TAIL])
    while low < high:
        middle = (low + high) // 2
        if is_consumed_before(events, book.lots[middle], lot):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def is_consumed_before(events: Events, lot: int, other: int) -> bool:
    """Earliest expiry first (lots that never expire last), then earliest earned, then lot id."""
    if events.expires[lot] != events.expires[other]:
        return bool(events.expires[lot] < events.expires[other])
    if events.day[lot] != events.day[other]:
        return bool(events.day[lot] < events.day[other])
    return bool(events.lot_order[lot] < events.lot_order[other])


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
            entries[place] = (*entry[:5], entries[place][5] + entry[5])
        else:
            entries[kept] = entry
            kept += 1
    while len(entries) > kept:
        entries.pop()
