"""A rough estimate of what each person can spend, so that the demo's customers hardly ever overdraw.

It knows neither tiers nor refunds of points, drops points as soon as the oldest of a span of days may have expired,
and lets nobody spend what was earned in the same span: it errs towards "cannot pay". The platform's own fold decides
what a balance is.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

EXPIRY_DAYS = 365


class Wallet:
    """Points by person over the whole run; spans are opened and closed in order."""

    def __init__(self, people_count: int) -> None:
        self.people_count = people_count
        self.lots: list[tuple[int, npt.NDArray[np.int32]]] = []  # (first day earned, what is left)
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
        """Points earned in this span, one item an award."""
        self.earned += np.bincount(person, points, self.people_count).astype(np.int64)

    def spend(self, person: Ints, points: Ints) -> None:
        """Points spent in this span; at most one item a person in a call."""
        self.spendable[person] -= points
        self.spent[person] += points

    def close(self) -> None:
        """End a span: spending eats the oldest points first, what was earned becomes spendable next time."""
        open_spending = self.spent
        for _, left in self.lots:
            taken = np.minimum(left, open_spending)
            left -= taken.astype(np.int32)
            open_spending = open_spending - taken
        earned = np.minimum(self.earned, np.iinfo(np.int32).max)
        self.lots.append((self.first_day, earned.astype(np.int32)))
        self.spent = np.zeros(self.people_count, dtype=np.int64)
        self.earned = np.zeros(self.people_count, dtype=np.int64)
