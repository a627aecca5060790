"""What people decided about tiers that are held fast: whose, which, from when until when, and why.

One file an account and first day, never changed once the night before that day has been published.
A lock is decided on the evening before its first day, like every change of a tier; unlock ends an
account's locks the day before its own. So the same nights with the same decisions give the same
tiers.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.core.identity_decisions import AccountKey, read_decision_files, write_decision
from ingest.core.lake import Lake

LOCK, UNLOCK = "lock", "unlock"
ACCOUNT_DIGITS = 16
DAY = timedelta(days=1)
TIER_LOCKS = pa.schema(
    [
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("tier", pa.string()),
        ("from_date", pa.date32()),
        ("until_date", pa.date32()),
        ("approved_by", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class TierDecision:
    """A lock with its first and last day, or an unlock, which needs the first one only."""

    decision: str
    source: str
    account_id: str
    from_date: date
    approved_by: str
    reason: str
    tier: str = ""
    until_date: date | None = None

    @property
    def effective_from(self) -> date:
        """The night that decides it."""
        return self.from_date - DAY

    @property
    def account(self) -> AccountKey:
        """The account of the member whose tier it is."""
        return AccountKey(self.source, self.account_id)


def keep_tier_decision(lake: Lake, decision: TierDecision) -> Path:
    """Write a decision down; before its night is published it may be decided anew."""
    account = hashlib.sha256(str(decision.account).encode()).hexdigest()[:ACCOUNT_DIGITS]
    path = lake.tier_decisions / f"{decision.from_date.isoformat()}_{account}.json"
    return write_decision(path, asdict(decision))


def read_tier_decisions(lake: Lake) -> list[TierDecision]:
    """All decisions in the order of their first days; Problem if a file is damaged."""

    def make(entry: dict[str, Any]) -> TierDecision:
        entry["from_date"] = date.fromisoformat(entry["from_date"])
        if entry["decision"] == LOCK:
            entry["until_date"] = date.fromisoformat(entry["until_date"])
        return TierDecision(**entry)

    return read_decision_files(lake.tier_decisions, make)


def locks_known(lake: Lake, night: date) -> list[TierDecision]:
    """The locks that a night knows of, shortened by the unlocks that it knows of."""
    locks: list[TierDecision] = []
    for decision in read_tier_decisions(lake):
        if decision.effective_from > night:
            continue
        if decision.decision == LOCK:
            locks.append(decision)
        else:
            locks = [_ended(lock, decision) for lock in locks]
    return locks


def tier_lock_table(lake: Lake, night: date) -> pa.Table:
    """The table `tier_locks` of a night."""
    rows = [
        {name: getattr(lock, name) for name in TIER_LOCKS.names}
        for lock in locks_known(lake, night)
    ]
    return pa.Table.from_pylist(rows, TIER_LOCKS)


def _ended(lock: TierDecision, unlock: TierDecision) -> TierDecision:
    last_day = unlock.from_date - DAY
    if lock.account != unlock.account or lock.until_date is None or lock.until_date <= last_day:
        return lock
    return replace(lock, until_date=last_day)
