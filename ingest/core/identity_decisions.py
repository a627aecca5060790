"""What people decided about who is who: these two accounts are one person, or never are.

One file a pair and night, never changed once its night has been published. A later decision on the
same pair replaces an earlier one from its own night on, so the same nights with the same decisions
give the same members.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes

MUST_LINK, CANNOT_LINK, WITHDRAW = "must_link", "cannot_link", "withdraw"
DECISIONS = (MUST_LINK, CANNOT_LINK, WITHDRAW)
PAIR_DIGITS = 16
T = TypeVar("T")


@dataclass(frozen=True, order=True)
class AccountKey:
    """One account: the system that keeps it and its number there."""

    source: str
    account_id: str

    def __str__(self) -> str:
        """As commands read and print it: source:account_id."""
        return f"{self.source}:{self.account_id}"


@dataclass(frozen=True)
class IdentityDecision:
    """A decision on two accounts, `one` before `other`; it counts from `effective_from` on.

    must_link outranks every rule and limit, cannot_link everything; withdraw leaves the pair to the
    evidence again.
    """

    decision: str
    one: AccountKey
    other: AccountKey
    effective_from: date
    decided_by: str
    reason: str

    @property
    def pair(self) -> tuple[AccountKey, AccountKey]:
        """The two accounts."""
        return self.one, self.other


def account_key(text: str) -> AccountKey:
    """The account that `source:account_id` names; Problem if it names none."""
    source, separator, account_id = text.partition(":")
    if not (source and separator and account_id):
        raise Problem(f"'{text}' is no account; write it as source:account_id, as in pos:M0000123")
    return AccountKey(source, account_id)


def decide(
    decision: str, accounts: tuple[AccountKey, AccountKey], night: date, by: str, why: str
) -> IdentityDecision:
    """A decision on two accounts in either order; Problem if it lacks who or why, or is no pair."""
    one, other = sorted(accounts)
    if one == other:
        raise Problem(f"{one} is one account; a decision is about two")
    if not by.strip() or not why.strip():
        raise Problem("a decision needs who decided (--by) and why (--why)")
    if decision not in DECISIONS:
        raise Problem(f"'{decision}' is no decision; it is one of {', '.join(DECISIONS)}")
    return IdentityDecision(decision, one, other, night, by.strip(), why.strip())


def write_decision(path: Path, entry: Mapping[str, Any]) -> Path:
    """Write a decision of any kind down, its dates as YYYY-MM-DD; returns where it lies."""
    document = json.dumps(entry, ensure_ascii=False, indent=2, default=str) + "\n"
    write_bytes(path, document.encode())
    return path


def read_decision_files(folder: Path, make: Callable[[dict[str, Any]], T]) -> list[T]:
    """What `make` makes of each file of a folder, by name; Problem if one of them is damaged."""
    decisions = []
    for path in sorted(folder.glob("*.json")):
        try:
            decisions.append(make(json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Problem(f"{path} is no decision; restore it, or take it away") from error
    return decisions


def keep_identity_decision(lake: Lake, decision: IdentityDecision) -> Path:
    """Write a decision down; before its night is published it may be decided anew."""
    pair = hashlib.sha256(f"{decision.one}|{decision.other}".encode()).hexdigest()[:PAIR_DIGITS]
    path = lake.identity_decisions / f"{decision.effective_from.isoformat()}_{pair}.json"
    return write_decision(path, decision_record(decision))


def decision_record(decision: IdentityDecision) -> dict[str, object]:
    """A decision as its file holds it."""
    return {**asdict(decision), "effective_from": decision.effective_from.isoformat()}


def read_identity_decisions(lake: Lake) -> list[IdentityDecision]:
    """All decisions in the order of their nights; Problem if a file is damaged."""

    def make(entry: dict[str, Any]) -> IdentityDecision:
        entry["effective_from"] = date.fromisoformat(entry["effective_from"])
        entry["one"], entry["other"] = AccountKey(**entry["one"]), AccountKey(**entry["other"])
        return IdentityDecision(**entry)

    return read_decision_files(lake.identity_decisions, make)


def decisions_in_force(lake: Lake, night: date) -> list[IdentityDecision]:
    """The last decision on each pair up to a night, without withdrawn ones, oldest first."""
    last = {
        decision.pair: decision
        for decision in read_identity_decisions(lake)
        if decision.effective_from <= night
    }
    in_force = [each for each in last.values() if each.decision != WITHDRAW]
    return sorted(in_force, key=lambda each: (each.effective_from, each.pair))
