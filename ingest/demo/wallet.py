"""A rough estimate of what each person can spend, so that customers hardly ever overdraw.

It knows neither tiers nor points given back, drops points as soon as the oldest of a span of days
may have expired, and lets nobody spend what was earned in the same span: it errs towards "cannot
pay". The platform's own fold decides what a balance is.
"""

import numpy as np

from ingest.demo.world import Flags, Ints

EXPIRY_DAYS = 365
STEP_POINTS = 100  # points are taken in hundreds; one point pays one fen


def part_of(due_fen: Ints, percent: Ints | int) -> Ints:
    """Points for a part of what is due: all of it, or a round number."""
    part = due_fen * percent // (100 * STEP_POINTS) * STEP_POINTS
    return np.where(np.asarray(percent) >= 100, due_fen, part)


class Wallet:
    """Points by person over the whole run; spans are opened and closed in order."""

    def __init__(self, people_count: int) -> None:
        self.people_count = people_count
        self.lots: list[tuple[int, Ints]] = []  # first day earned, what is left by person
        self.spendable = np.zeros(people_count, dtype=np.int64)
        self.spent = np.zeros(people_count, dtype=np.int64)
        self.earned = np.zeros(people_count, dtype=np.int64)
        self.first_day = 0

    def open(self, first_day: int) -> None:
        """Begin a span: what may have expired is gone."""
        self.first_day = first_day
        self.lots = [lot for lot in self.lots if lot[0] > first_day - EXPIRY_DAYS]
        self.spendable = np.zeros(self.people_count, dtype=np.int64)
        for _, left in self.lots:
            self.spendable += left

    def earn(self, person: Ints, points: Ints) -> None:
        """Points earned in this span, one item an award, negative where one is taken back.

        Person -1 is nobody.
        """
        counts = person >= 0
        earned = np.bincount(person[counts], points[counts], self.people_count)
        self.earned += earned.astype(np.int64)

    def redeem(
        self,
        person: Ints,
        wants: Flags,
        most: Ints,
        least: Ints | int,
        overdraws: Flags | None = None,
    ) -> Ints:
        """Points that each event takes, 0 for most.

        person: of each event, -1 for nobody. wants: whether the person would pay with points, which
        happens once in a span. most: what the event can take. least: who has less does not ask.
        overdraws: events that take up to twice what there is.
        """
        able = wants & (person >= 0)
        able &= self.spendable[person] >= least
        who = np.flatnonzero(able)
        who = who[np.unique(person[who], return_index=True)[1]]
        there = self.spendable[person[who]]
        if overdraws is not None:
            there = np.where(overdraws[who], 2 * there, there)
        taken = np.where(there >= most[who], most[who], there // STEP_POINTS * STEP_POINTS)
        self.spendable[person[who]] -= taken
        self.spent[person[who]] += taken
        points = np.zeros(len(person), dtype=np.int64)
        points[who] = taken
        return points

    def close(self) -> None:
        """End a span: the oldest points were spent first; what was earned can be spent from now."""
        owed = self.spent
        kept = []
        for first_day, left in self.lots:
            taken = np.minimum(left, owed)
            owed = owed - taken
            kept.append((first_day, left - taken))
        self.lots = [*kept, (self.first_day, self.earned)]
        self.spent = np.zeros(self.people_count, dtype=np.int64)
        self.earned = np.zeros(self.people_count, dtype=np.int64)
