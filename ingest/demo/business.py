"""What the deliveries ask of every business of the demo group.

A business `x` joins the group as a module `ingest/demo/x.py` that names its class as BUSINESS.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import polars as pl

from ingest.demo.accounts import Accounts
from ingest.demo.people import People
from ingest.demo.wallet import Wallet
from ingest.demo.world import Flags, Frames, Group, Ints, Span


class Business(ABC):
    """One business: its accounts, and what it writes down of each day."""

    source: ClassVar[str]  # its system, as the contract calls it
    elsewhere: ClassVar[Mapping[str, str]] = {}  # tables of another system than that: which
    accounts: Accounts

    def __init__(self, group: Group, people: People) -> None:
        self.group = group
        self.people = people
        self.counts: Counter[str] = Counter()  # of what happened, for the facts

    @abstractmethod
    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of accounts, given their positions, as its system writes them."""

    @abstractmethod
    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Rows of the event tables for a span of days; called for every span in order."""

    @abstractmethod
    def masters(self, day: int, is_first: bool) -> Frames:
        """Rows of the master tables of a delivery, after its activity: all, or the changed ones."""

    def source_of(self, table: str) -> str:
        """The system that hands over a table."""
        return self.elsewhere.get(table, self.source)

    def meet(self, others: Sequence["Business"]) -> None:
        """See the other businesses once all are open, before anything happens. Most need not."""
        return

    def hazards(self, is_there: Flags, last_day: int) -> Mapping[str, int]:
        """Counts of hazards of its own, among the accounts marked, up to a day."""
        return {}

    def truth(self, last_day: int) -> pl.DataFrame:
        """account_id and person of every account delivered by a day."""
        rows = np.flatnonzero(self.accounts.registered <= last_day)
        ids = self.account_ids(rows)
        return pl.DataFrame({"account_id": ids, "person": self.accounts.person[rows]})

    def facts(self, last_day: int) -> Mapping[str, int]:
        """Counts of everything that was built in, among the accounts delivered by a day."""
        is_there = self.accounts.registered <= last_day
        return {**self.accounts.facts(is_there), **self.hazards(is_there, last_day), **self.counts}
