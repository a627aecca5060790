"""Tiers: the periods of each member, derived from growth by day, as a pure fold.

Rules: RULES §6, as the tables of README.md. A tier is gained at the end of the day that earns it
and held for a period; after the period and its days of grace it is judged again, and lost one step
at a time; a refund takes back the upgrade it caused. Everything is int64, days are counted from
1970-01-01.

The fold is compiled (see `compiled`), so this file uses nothing of another one: the rules in force
on each day come in as arrays.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ledger.compiled import compiled

Ints = npt.NDArray[np.int64]

NONE = -1  # no day: a holding that no upgrade made
NEVER = 2**40  # the end of the lowest tier's period
UNREACHABLE = 2**62  # the threshold of a tier that no rule has in force

REASONS = ("upgrade", "renewal", "downgrade", "reversal")
UPGRADE, RENEWAL, DOWNGRADE, REVERSAL = 0, 1, 2, 3

# A change: member, effective day, rank before, rank after, reason, growth value, period end.
Change = tuple[int, int, int, int, int, int, int]


class Growth(NamedTuple):
    """Columns of the growth events, one value a row; a member's rows stand together, by day."""

    day: Ints  # business date
    value: Ints  # growth, negative on a refund
    origin: Ints  # of a refund: business date of what is refunded; else the day itself


class Rules(NamedTuple):
    """The rules in force on each day from `first_day`, one line a day."""

    first_day: int
    thresholds: Ints  # [day, rank]: growth value that the tier asks for; rank 0 asks for none
    window_start: Ints  # first day of the window that ends this day
    period_end: Ints  # last day of a period decided at the end of this day
    grace_days: Ints  # days of grace after a period that ends this day


class Holdings(NamedTuple):
    """What the member holds: at 0 a tier that no upgrade on record made, above it the upgrades."""

    rank: Ints
    period_end: Ints  # last day, or NEVER
    upgraded_on: Ints  # the day judged, or NONE
    window_start: Ints  # first day of the window of that judgement
    evidence: Ints  # growth in that window, less what was refunded of it since
    top: Ints  # one value: the position of what is held now


@compiled
def fold_tiers(starts: Ints, growth: Growth, rules: Rules, last_day: int) -> Ints:
    """Tier changes of every member in order of time, days up to and including `last_day` judged.

    `starts` holds the first row of each member and, last, the number of rows. Returns one line a
    change: member (position in `starts`), effective day, rank before, rank after, reason (position
    in REASONS), growth value of the decision, period end (or NEVER).
    """
    total = np.zeros(len(growth.value) + 1, np.int64)  # growth of all rows before this one
    total[1:] = np.cumsum(growth.value)
    changes = [(0, 0, 0, 0, 0, 0, 0) for _ in range(0)]  # empty, yet its type is known
    held = no_holdings(rules.thresholds.shape[1])
    for member in range(len(starts) - 1):
        first, end = starts[member], starts[member + 1]
        hold_lowest_tier(held)
        row = first
        while True:
            today = evaluation_day(held, rules, last_day)
            if row < end:
                today = min(today, growth.day[row])
            if today > last_day:
                break
            while row < end and growth.day[row] == today:
                lower_evidence(held, growth, row)
                row += 1
            window_start = rules.window_start[today - rules.first_day]
            oldest = first + np.searchsorted(growth.day[first:row], window_start)
            judge_day(held, rules, last_day, member, today, total[row] - total[oldest], changes)
    table = np.empty((len(changes), 7), np.int64)
    for number in range(len(changes)):
        for column in range(7):
            table[number, column] = changes[number][column]
    return table


@compiled
def judge_day(
    held: Holdings,
    rules: Rules,
    last_day: int,
    member: int,
    today: int,
    score: int,
    changes: list[Change],
) -> None:
    """Decide at the end of a day what is held from the next day on: at most one change.

    First an upgrade whose evidence was refunded is taken back, unless today's score alone earns the
    tier. Then today's score upgrades, or else a period that is due is renewed or goes one down.
    """
    before = held.rank[held.top[0]]
    reason, basis = NONE, score
    if is_evidence_short(held, rules):
        if score >= rules.thresholds[today - rules.first_day, before]:
            renew_evidence(held, rules, today, score)
        else:
            reason, basis = REVERSAL, held.evidence[held.top[0]]
            take_back_upgrades(held, rules)
    rank = held.rank[held.top[0]]
    earned = highest_rank(rules, today, score)
    if earned > rank:
        hold_upgrade(held, rules, today, earned, score)
        reason = UPGRADE if reason == NONE else reason
    elif evaluation_day(held, rules, last_day) <= today:
        kept = score >= rules.thresholds[today - rules.first_day, rank]
        hold_after_evaluation(held, rules, today, rank if kept else one_down(rules, today, rank))
        if reason == NONE:
            reason = RENEWAL if kept else DOWNGRADE
    if reason != NONE:
        top = held.top[0]
        changes.append(
            (member, today + 1, before, held.rank[top], reason, basis, held.period_end[top])
        )


@compiled
def no_holdings(rank_count: int) -> Holdings:
    """Room for the holdings of one member: every upgrade is to a higher rank, so there are few."""
    return Holdings(
        rank=np.zeros(rank_count + 1, np.int64),
        period_end=np.zeros(rank_count + 1, np.int64),
        upgraded_on=np.zeros(rank_count + 1, np.int64),
        window_start=np.zeros(rank_count + 1, np.int64),
        evidence=np.zeros(rank_count + 1, np.int64),
        top=np.zeros(1, np.int64),
    )


@compiled
def hold_lowest_tier(held: Holdings) -> None:
    """Where everybody starts: rank 0, for ever."""
    held.top[0] = 0
    held.rank[0] = 0
    held.period_end[0] = NEVER
    held.upgraded_on[0] = NONE


@compiled
def hold_upgrade(held: Holdings, rules: Rules, today: int, rank: int, score: int) -> None:
    """Hold a higher tier from tomorrow, and remember what earned it and what was held before."""
    held.top[0] += 1
    top = held.top[0]
    held.rank[top] = rank
    held.period_end[top] = rules.period_end[today - rules.first_day]
    renew_evidence(held, rules, today, score)


@compiled
def renew_evidence(held: Holdings, rules: Rules, today: int, score: int) -> None:
    """Let the tier held rest on today's score from now on; its period stays."""
    top = held.top[0]
    held.upgraded_on[top] = today
    held.window_start[top] = rules.window_start[today - rules.first_day]
    held.evidence[top] = score


@compiled
def hold_after_evaluation(held: Holdings, rules: Rules, today: int, rank: int) -> None:
    """Hold a tier for a new period from tomorrow; nothing before it can be taken back any more."""
    hold_lowest_tier(held)
    if rank > 0:
        held.rank[0] = rank
        held.period_end[0] = rules.period_end[today - rules.first_day]


@compiled
def lower_evidence(held: Holdings, growth: Growth, row: int) -> None:
    """A refund lowers the evidence of each upgrade whose window holds what is refunded."""
    if growth.value[row] >= 0:
        return
    for place in range(1, held.top[0] + 1):
        if held.window_start[place] <= growth.origin[row] <= held.upgraded_on[place]:
            held.evidence[place] += growth.value[row]


@compiled
def is_evidence_short(held: Holdings, rules: Rules) -> bool:
    """Whether what is held comes from an upgrade that its evidence no longer earns."""
    top = held.top[0]
    if top == 0:
        return False
    upgraded_on = held.upgraded_on[top] - rules.first_day
    return bool(held.evidence[top] < rules.thresholds[upgraded_on, held.rank[top]])


@compiled
def take_back_upgrades(held: Holdings, rules: Rules) -> None:
    """Go back to what the upgrades on record still earn, each by the rules of its own day.

    An upgrade whose evidence earns a lower tier now is one to that tier, with the period it had;
    one that earns no more than what was held before it is none.
    """
    kept = 0
    for place in range(1, held.top[0] + 1):
        earned = highest_rank(rules, held.upgraded_on[place], held.evidence[place])
        if earned > held.rank[kept]:
            kept += 1
            held.rank[kept] = earned
            held.period_end[kept] = held.period_end[place]
            held.upgraded_on[kept] = held.upgraded_on[place]
            held.window_start[kept] = held.window_start[place]
            held.evidence[kept] = held.evidence[place]
    held.top[0] = kept


@compiled
def evaluation_day(held: Holdings, rules: Rules, last_day: int) -> int:
    """The day on which the tier held is judged again: its last day plus the days of grace."""
    period_end = int(held.period_end[held.top[0]])
    if period_end > last_day:
        return NEVER
    return period_end + int(rules.grace_days[period_end - rules.first_day])


@compiled
def highest_rank(rules: Rules, day: int, score: int) -> int:
    """The highest tier that a score earns by the rules of a day."""
    rank = int(rules.thresholds.shape[1]) - 1
    while rank > 0 and score < rules.thresholds[day - rules.first_day, rank]:
        rank -= 1
    return rank


@compiled
def one_down(rules: Rules, day: int, rank: int) -> int:
    """The next lower tier among those in force on a day."""
    rank -= 1
    while rank > 0 and rules.thresholds[day - rules.first_day, rank] == UNREACHABLE:
        rank -= 1
    return rank
