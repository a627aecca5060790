"""Tiers: the periods of each member, derived from metrics by day, as a pure fold.

Rules: RULES §6, as the tables of README.md. A tier is gained at the end of the day that earns it
and held for a period; after the period and its days of grace it is judged again, and lost as the
policy says; a refund takes back the upgrade it caused; a lock holds a tier while it lasts.
Everything is int64, days are counted from 1970-01-01.

The fold is compiled (see `compiled`), so this file uses nothing of another one: the rules in force
on each day come in as arrays. A tier brought from a system before this one is a lock, too.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.compiled import compiled

Ints = npt.NDArray[np.int64]

NONE = -1  # no day, no reason, no condition, no lock
NEVER = 2**40  # the end of the lowest tier's period

REASONS = ("upgrade", "renewal", "downgrade", "reversal", "lock", "migration")
UPGRADE, RENEWAL, DOWNGRADE, REVERSAL = 0, 1, 2, 3  # the others come with the lock
REACH, KEEP = 0, 1  # what a condition is for
DOWNGRADES = ("one_down", "requalify", "to_base", "soft_landing")
ONE_DOWN, REQUALIFY, TO_BASE, SOFT_LANDING = 0, 1, 2, 3

# A change, in whole numbers: member (position in `starts`), effective day, rank before, rank after,
# reason, period end (or NEVER), first day of the day's window, first line of the condition that
# decided (or NONE), its way that held (0 for none), first and last day of the window of an upgrade
# that was reversed (or NONE), day up to which growth is deducted (or NONE). Then three numbers for
# each metric: its value, what is left of a reversed upgrade's evidence, what an upgrade carried on.
CHANGE_COLUMNS = 12
Change = tuple[int, int, int, int, int, int, int, int, int, int, int, int]


class Events(NamedTuple):
    """Columns of the events, one value a row; a member's rows stand together, by day."""

    day: Ints  # business date; of a lock, the day before its first one
    metric: Ints  # which metric grows
    value: Ints  # by how much, negative on a refund
    origin: Ints  # of a refund: business date of what is refunded; else the day itself
    lock_rank: Ints  # tier that a lock holds, NONE on every other row
    lock_until: Ints  # the lock's last day
    lock_reason: Ints  # why it holds: position in REASONS


class Conditions(NamedTuple):
    """What it takes to reach and to keep each tier; two arrays, for they are passed on a lot."""

    place: (
        Ints  # [day, rank, purpose, 0 or 1]: first line, and the line after the last; none: both 0
    )
    line: Ints  # [line, see below]


# A line of a condition: one way whose groups all hold is enough; a group holds if `needed` of its
# lines do; a line holds if its metric is at least so much.
WAY, GROUP, NEEDED, METRIC, AT_LEAST = 0, 1, 2, 3, 4


class Rules(NamedTuple):
    """The rules in force on each day from `first_day`, one line a day."""

    first_day: int
    metric_count: int
    conditions: Conditions
    window_start: Ints  # first day of the window that ends this day; NONE: the member's own year
    month: Ints  # number of the month
    month_start: Ints  # by month: its first day; one month more than there are
    period_end: Ints  # last day of a period decided at the end of this day
    grace_days: Ints  # days of grace after a period that ends this day
    downgrade: Ints  # position in DOWNGRADES
    is_carried: Ints  # 1 if an upgrade deducts what it asked for
    changed_on: Ints  # days on which a version of any of them begins, ascending


class Holdings(NamedTuple):
    """What the member holds: at 0 a tier that no upgrade on record made, above it the upgrades."""

    rank: Ints
    period_end: Ints  # last day, or NEVER
    upgraded_on: Ints  # the day judged, or NONE
    window_start: Ints  # first day of the window of that judgement
    evidence: Ints  # [place, metric]: values in that window, less what was refunded of it since
    counted_to: Ints  # the day up to which growth counts no more but for what is carried, or NONE
    carried: Ints  # [place, metric]
    asked: Ints  # [place, metric]: what the upgrade deducted
    is_softened: Ints  # 1 once a soft landing has gone one down
    top: Ints  # one value: the position of what is held now

    # The last place is never held: it remembers the upgrade that was reversed last.


class Life(NamedTuple):
    """All events, and what is derived from them once."""

    events: Events
    total: Ints  # [row, metric]: sum over all rows before this one
    locks: Ints  # rows of locks
    refunds: Ints  # rows of refunds of earlier days
    score: Ints  # by metric: values in the window of the day that is judged


class Decision(NamedTuple):
    """What changed on a day, and why."""

    before: int  # rank
    reason: int
    condition: int  # its first line, or NONE
    way: int  # that held, 0 for none


class Day(NamedTuple):
    """One day of one member."""

    member: int  # position in `starts`
    today: int
    last_day: int  # of the fold
    first: int  # the member's first row
    row: int  # the row after the last one of the day
    first_lock: int  # the member's first lock, a position in `locks`
    first_refund: int  # and in `refunds`


@compiled
def fold_tiers(starts: Ints, events: Events, rules: Rules, last_day: int) -> Ints:
    """Tier changes of every member in order of time, days up to and including `last_day` judged.

    `starts` holds the first row of each member and, last, the number of rows. Returns one line a
    change, see CHANGE_COLUMNS.
    """
    life = Life(
        events=events,
        total=running_totals(events, rules.metric_count),
        locks=np.flatnonzero(events.lock_rank != NONE),
        refunds=np.flatnonzero(events.origin < events.day),
        score=np.zeros(rules.metric_count, np.int64),
    )
    changes = [(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) for _ in range(0)]  # empty, yet typed
    values = [0 for _ in range(0)]
    held = no_holdings(rules.conditions.place.shape[1], rules.metric_count)
    first_lock, first_refund = 0, 0
    for member in range(len(starts) - 1):
        first, end = starts[member], starts[member + 1]
        first_lock = position_from(life.locks, first_lock, first)
        first_refund = position_from(life.refunds, first_refund, first)
        has_lock = first_lock < len(life.locks) and life.locks[first_lock] < end
        hold_from_start(held)
        row, due, rule = first, NEVER, 0
        while True:
            today = due
            if row < end:
                today = min(today, events.day[row])
            if rule < len(rules.changed_on) and row > first:
                today = min(today, rules.changed_on[rule])
            if today > last_day:
                break
            rule = position_from(rules.changed_on, rule, today + 1)
            is_refunded = False
            while row < end and events.day[row] == today:
                if events.value[row] < 0:
                    is_refunded = True
                    lower_evidence(held, events, row)
                row += 1
            # Most days decide nothing, and this is where the time goes.
            line, top = today - rules.first_day, held.top[0]
            start = rules.window_start[line]
            if start == NONE:
                start = anniversary(rules, events.day[first], today)
            if not (is_refunded or has_lock or due <= today or held.counted_to[top] >= start):
                sum_window(life, first, row, start)
                forget_older(life, first_refund, row, start)
                if highest_rank(rules.conditions, line, life.score) <= held.rank[top]:
                    continue
            day = Day(member, today, last_day, first, row, first_lock, first_refund)
            judge_day(held, rules, life, day, changes, values)
            due = evaluation_day(held, rules, last_day)
    return as_table(changes, values, rules.metric_count)


@compiled
def judge_day(
    held: Holdings,
    rules: Rules,
    life: Life,
    day: Day,
    changes: list[Change],
    values: list[int],
) -> None:
    """Decide at the end of a day what is held from the next day on: at most one change.

    First an upgrade whose evidence was refunded is taken back, unless today's score alone earns the
    tier. Then today's score upgrades, or else a period that is due is renewed or goes down. Last,
    a lock lifts what is held to its tier, or its period to the lock's last day.
    """
    today, score, asked = day.today, life.score, rules.conditions
    line = today - rules.first_day
    score_day(held, rules, life, day)
    before = held.rank[held.top[0]]
    reason, condition, way = NONE, NONE, 0
    if is_evidence_short(held, rules):
        if way_held(asked, line, before, REACH, score) > 0:
            renew_evidence(held, rules, life, day)
        else:
            reason = REVERSAL
            upgraded_on = held.upgraded_on[held.top[0]] - rules.first_day
            condition = first_line(asked, upgraded_on, before, REACH)
            take_back_upgrades(held, rules)
            score_day(held, rules, life, day)
    rank = held.rank[held.top[0]]
    earned = highest_rank(asked, line, score)
    if earned > rank:
        hold_upgrade(held, rules, life, day, earned)
        if reason == NONE:
            reason, condition = UPGRADE, first_line(asked, line, earned, REACH)
            way = way_held(asked, line, earned, REACH, score)
    elif evaluation_day(held, rules, day.last_day) <= today:
        way_kept, purpose = way_held(asked, line, rank, KEEP, score), KEEP
        if way_kept == 0:
            way_kept = way_held(asked, line, rank, REACH, score)
            purpose = REACH if way_kept > 0 else KEEP
        hold_after_evaluation(held, rules, today, rank, way_kept > 0, earned)
        if reason == NONE:
            reason = RENEWAL if way_kept > 0 else DOWNGRADE
            condition, way = first_line(asked, line, rank, purpose), way_kept
    lock = strongest_lock(life, day)
    if lock != NONE and is_less_than_lock(held, life.events, lock):
        hold_lock(held, life.events, lock)
        reason, condition, way = int(life.events.lock_reason[lock]), NONE, 0
    if reason != NONE:
        decision = Decision(before, reason, condition, way)
        note_change(held, rules, life, day, decision, changes, values)


@compiled
def note_change(
    held: Holdings,
    rules: Rules,
    life: Life,
    day: Day,
    decision: Decision,
    changes: list[Change],
    values: list[int],
) -> None:
    """Write down what changed, with everything from which it can be decided once more."""
    top, reversed_place = held.top[0], len(held.rank) - 1
    is_reversal = decision.reason == REVERSAL
    changes.append(
        (
            day.member,
            day.today + 1,
            decision.before,
            int(held.rank[top]),
            decision.reason,
            int(held.period_end[top]),
            window_start(rules, life, day),
            decision.condition,
            decision.way,
            int(held.window_start[reversed_place]) if is_reversal else NONE,
            int(held.upgraded_on[reversed_place]) if is_reversal else NONE,
            int(held.counted_to[top]),
        )
    )
    for metric in range(rules.metric_count):
        values.append(int(life.score[metric]))
        values.append(int(held.evidence[reversed_place, metric]))
        values.append(int(held.carried[top, metric]))


@compiled
def as_table(changes: list[Change], values: list[int], metric_count: int) -> Ints:
    """Changes and their metrics side by side, one line a change."""
    width = 3 * metric_count
    table = np.empty((len(changes), CHANGE_COLUMNS + width), np.int64)
    for number in range(len(changes)):
        line = changes[number]
        for column in range(CHANGE_COLUMNS):
            table[number, column] = line[column]
        for column in range(width):
            table[number, CHANGE_COLUMNS + column] = values[number * width + column]
    return table


@compiled
def running_totals(events: Events, metric_count: int) -> Ints:
    """[row, metric]: sum of all rows before a row; one row more than there are events."""
    total = np.zeros((len(events.value) + 1, metric_count), np.int64)
    for row in range(len(events.value)):
        total[row + 1] = total[row]
        total[row + 1, events.metric[row]] += events.value[row]
    return total


@compiled
def score_day(held: Holdings, rules: Rules, life: Life, day: Day) -> None:
    """The value of each metric in the window that ends today.

    What an upgrade deducted from counts no more: it is replaced by what was carried on, dated the
    day of that upgrade; refunds since then lower it, whenever what they take back was bought.
    """
    top, start = held.top[0], window_start(rules, life, day)
    if held.counted_to[top] >= start:
        sum_window(life, day.first, day.row, held.counted_to[top] + 1)
        life.score[:] += held.carried[top]
    else:
        sum_window(life, day.first, day.row, start)
        forget_older(life, day.first_refund, day.row, start)


@compiled
def sum_window(life: Life, first: int, row: int, start: int) -> None:
    """Put the sum of each metric from a day on into the score, of a member's rows before `row`."""
    oldest, high = first, row
    while oldest < high:
        middle = (oldest + high) // 2
        if life.events.day[middle] < start:
            oldest = middle + 1
        else:
            high = middle
    for metric in range(len(life.score)):
        life.score[metric] = life.total[row, metric] - life.total[oldest, metric]


@compiled
def forget_older(life: Life, first_refund: int, row: int, start: int) -> None:
    """Take refunds out of the score whose purchase lies before the window, and counts in it no
    more than they do.
    """
    for position in range(first_refund, len(life.refunds)):
        refund = life.refunds[position]
        if refund >= row:
            break
        if life.events.day[refund] >= start and life.events.origin[refund] < start:
            life.score[life.events.metric[refund]] -= life.events.value[refund]


@compiled
def position_from(ascending: Ints, position: int, least: int) -> int:
    """The position of the first number that is not below another one, from a position on."""
    while position < len(ascending) and ascending[position] < least:
        position += 1
    return position


@compiled
def window_start(rules: Rules, life: Life, day: Day) -> int:
    """First day of the window that ends today."""
    start = int(rules.window_start[day.today - rules.first_day])
    if start != NONE:
        return start
    return anniversary(rules, int(life.events.day[day.first]), day.today)


@compiled
def anniversary(rules: Rules, joined: int, today: int) -> int:
    """The last anniversary of a day up to today; 29 February is the 28th in other years."""
    joined_month = rules.month[joined - rules.first_day]
    day_of_month = joined - rules.month_start[joined_month]
    years = (rules.month[today - rules.first_day] - joined_month) // 12
    while True:
        month = joined_month + 12 * years
        length = rules.month_start[month + 1] - rules.month_start[month]
        start = rules.month_start[month] + min(day_of_month, length - 1)
        if start <= today:
            return int(start)
        years -= 1


@compiled
def no_holdings(rank_count: int, metric_count: int) -> Holdings:
    """Room for the holdings of one member: every upgrade is to a higher rank, so there are few."""
    places = rank_count + 1
    return Holdings(
        rank=np.zeros(places, np.int64),
        period_end=np.zeros(places, np.int64),
        upgraded_on=np.zeros(places, np.int64),
        window_start=np.zeros(places, np.int64),
        evidence=np.zeros((places, metric_count), np.int64),
        counted_to=np.zeros(places, np.int64),
        carried=np.zeros((places, metric_count), np.int64),
        asked=np.zeros((places, metric_count), np.int64),
        is_softened=np.zeros(places, np.int64),
        top=np.zeros(1, np.int64),
    )


@compiled
def hold_from_start(held: Holdings) -> None:
    """Where everybody starts: rank 0, for ever, with nothing deducted."""
    hold_at_ground(held, 0, NEVER)
    held.counted_to[0] = NONE
    held.carried[0] = 0


@compiled
def hold_at_ground(held: Holdings, rank: int, period_end: int) -> None:
    """Hold a tier that nothing can take back, with what was carried on so far."""
    top = held.top[0]
    held.counted_to[0] = held.counted_to[top]
    held.carried[0] = held.carried[top]
    held.top[0] = 0
    held.rank[0] = rank
    held.period_end[0] = period_end
    held.upgraded_on[0] = NONE
    held.is_softened[0] = 0


@compiled
def hold_upgrade(held: Holdings, rules: Rules, life: Life, day: Day, rank: int) -> None:
    """Hold a higher tier from tomorrow, and remember what earned it and what was held before."""
    before = held.top[0]
    held.top[0] += 1
    top, line = held.top[0], day.today - rules.first_day
    held.rank[top] = rank
    held.period_end[top] = rules.period_end[line]
    held.is_softened[top] = 0
    held.counted_to[top] = held.counted_to[before]
    held.carried[top] = held.carried[before]
    held.asked[top] = 0
    if rules.is_carried[line] == 1:
        ask(held.asked[top], rules.conditions, line, rank, life.score)
        held.counted_to[top] = day.today
        held.carried[top] = life.score - held.asked[top]
    renew_evidence(held, rules, life, day)


@compiled
def renew_evidence(held: Holdings, rules: Rules, life: Life, day: Day) -> None:
    """Let the tier held rest on today's score from now on; its period stays."""
    top = held.top[0]
    held.upgraded_on[top] = day.today
    held.window_start[top] = window_start(rules, life, day)
    held.evidence[top] = life.score


@compiled
def hold_after_evaluation(
    held: Holdings, rules: Rules, today: int, rank: int, is_kept: bool, earned: int
) -> None:
    """Hold a tier for a new period from tomorrow; nothing before it can be taken back any more."""
    line = today - rules.first_day
    policy, is_softened = rules.downgrade[line], held.is_softened[held.top[0]]
    is_softening = not is_kept and policy == SOFT_LANDING and is_softened == 0
    if not is_kept:
        if policy == ONE_DOWN or is_softening:
            rank = one_down(rules.conditions, line, rank)
        elif policy == TO_BASE:
            rank = 0
        else:
            rank = earned
    hold_at_ground(held, rank, rules.period_end[line] if rank > 0 else NEVER)
    held.is_softened[0] = 1 if is_softening else 0


@compiled
def strongest_lock(life: Life, day: Day) -> int:
    """Row of the lock that holds most tomorrow, of those the one that lasts longest; or NONE."""
    best = NONE
    events = life.events
    for position in range(day.first_lock, len(life.locks)):
        row = life.locks[position]
        if row >= day.row:
            break
        if events.lock_until[row] > day.today and (
            best == NONE
            or events.lock_rank[row] > events.lock_rank[best]
            or (
                events.lock_rank[row] == events.lock_rank[best]
                and events.lock_until[row] > events.lock_until[best]
            )
        ):
            best = row
    return int(best)


@compiled
def is_less_than_lock(held: Holdings, events: Events, lock: int) -> bool:
    """Whether a lock's tier is higher than what is held, or held longer."""
    top, rank = held.top[0], events.lock_rank[lock]
    if held.rank[top] == rank:
        return bool(held.period_end[top] < events.lock_until[lock])
    return bool(held.rank[top] < rank)


@compiled
def hold_lock(held: Holdings, events: Events, lock: int) -> None:
    """Hold the lock's tier through its last day, as the period that is judged next."""
    hold_at_ground(held, events.lock_rank[lock], events.lock_until[lock])


@compiled
def lower_evidence(held: Holdings, events: Events, row: int) -> None:
    """A refund lowers the evidence of each upgrade whose window holds what is refunded."""
    for place in range(1, held.top[0] + 1):
        if held.window_start[place] <= events.origin[row] <= held.upgraded_on[place]:
            held.evidence[place, events.metric[row]] += events.value[row]


@compiled
def is_evidence_short(held: Holdings, rules: Rules) -> bool:
    """Whether what is held comes from an upgrade that its evidence no longer earns."""
    top = held.top[0]
    if top == 0:
        return False
    line, rank = held.upgraded_on[top] - rules.first_day, held.rank[top]
    return way_held(rules.conditions, line, rank, REACH, held.evidence[top]) == 0


@compiled
def take_back_upgrades(held: Holdings, rules: Rules) -> None:
    """Go back to what the upgrades on record still earn, each by the rules of its own day.

    An upgrade whose evidence earns a lower tier now is one to that tier, with the period it had;
    one that earns no more than what was held before it is none. What an upgrade no longer deducts
    is given back to those after it.
    """
    copy_place(held, held.top[0], len(held.rank) - 1)
    given_back = np.zeros(held.evidence.shape[1], np.int64)
    kept, counted_before = 0, held.counted_to[0]
    for place in range(1, held.top[0] + 1):
        if counted_before < held.window_start[place]:
            given_back[:] = 0  # lay before this upgrade's window
        counted_before = held.counted_to[place]
        is_deducting = np.any(held.asked[place] != 0)
        held.evidence[place] += given_back
        held.carried[place] += given_back + held.asked[place]
        given_back += held.asked[place]
        line = held.upgraded_on[place] - rules.first_day
        earned = highest_rank(rules.conditions, line, held.evidence[place])
        if earned <= held.rank[kept]:
            continue
        kept += 1
        copy_place(held, place, kept)
        held.rank[kept] = earned
        if is_deducting:
            ask(held.asked[kept], rules.conditions, line, earned, held.evidence[kept])
            held.carried[kept] -= held.asked[kept]
            given_back -= held.asked[kept]
        else:
            held.counted_to[kept] = held.counted_to[kept - 1]
            held.carried[kept] = held.carried[kept - 1]
    held.top[0] = kept


@compiled
def copy_place(held: Holdings, place: int, to: int) -> None:
    """Let one place of the holdings say what another one says."""
    held.rank[to] = held.rank[place]
    held.period_end[to] = held.period_end[place]
    held.upgraded_on[to] = held.upgraded_on[place]
    held.window_start[to] = held.window_start[place]
    held.evidence[to] = held.evidence[place]
    held.counted_to[to] = held.counted_to[place]
    held.carried[to] = held.carried[place]
    held.asked[to] = held.asked[place]
    held.is_softened[to] = held.is_softened[place]


@compiled
def evaluation_day(held: Holdings, rules: Rules, last_day: int) -> int:
    """The day on which the tier held is judged again: its last day plus the days of grace."""
    period_end = int(held.period_end[held.top[0]])
    if period_end > last_day:
        return NEVER
    return period_end + int(rules.grace_days[period_end - rules.first_day])


@compiled
def highest_rank(conditions: Conditions, day: int, score: Ints) -> int:
    """The highest tier that a score earns by the rules of a day, counted from the first one."""
    rank = int(conditions.place.shape[1]) - 1
    while rank > 0 and way_held(conditions, day, rank, REACH, score) == 0:
        rank -= 1
    return rank


@compiled
def one_down(conditions: Conditions, day: int, rank: int) -> int:
    """The next lower tier among those in force on a day."""
    rank -= 1
    while rank > 0 and first_line(conditions, day, rank, REACH) == NONE:
        rank -= 1
    return rank


@compiled
def first_line(conditions: Conditions, day: int, rank: int, purpose: int) -> int:
    """The first line of a tier's condition on a day; NONE where the tier is not in force."""
    first, end = conditions.place[day, rank, purpose, 0], conditions.place[day, rank, purpose, 1]
    return int(first) if first < end else NONE


@compiled
def way_held(conditions: Conditions, day: int, rank: int, purpose: int, score: Ints) -> int:
    """The first way of a tier's condition that a score meets by the rules of a day; 0 for none."""
    lines = conditions.line
    line, end = conditions.place[day, rank, purpose, 0], conditions.place[day, rank, purpose, 1]
    while line < end:
        way, is_held = lines[line, WAY], True
        while line < end and lines[line, WAY] == way:
            group, needed, met = lines[line, GROUP], lines[line, NEEDED], 0
            while line < end and lines[line, GROUP] == group:
                if score[lines[line, METRIC]] >= lines[line, AT_LEAST]:
                    met += 1
                line += 1
            is_held = is_held and met >= needed
        if is_held:
            return int(way)
    return 0


@compiled
def ask(asked: Ints, conditions: Conditions, day: int, rank: int, score: Ints) -> None:
    """Put into `asked` what a tier's condition asks of each metric: the met lines of its way."""
    asked[:] = 0
    way = way_held(conditions, day, rank, REACH, score)
    first, end = conditions.place[day, rank, REACH, 0], conditions.place[day, rank, REACH, 1]
    for line in range(first, end):
        metric, at_least = conditions.line[line, METRIC], conditions.line[line, AT_LEAST]
        if conditions.line[line, WAY] == way and score[metric] >= at_least:
            asked[metric] = max(asked[metric], at_least)
