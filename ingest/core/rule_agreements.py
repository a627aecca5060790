"""What people agreed that a change of the rule books may do in one night.

One file a night and version of the books, among the decisions: whoever derives the night again
finds it there. It holds for these books on this night alone.
"""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from ingest.core.errors import Problem
from ingest.core.identity_decisions import read_decision_files, write_decision
from ingest.core.lake import Lake

VERSION_DIGITS = 16


@dataclass(frozen=True)
class Agreement:
    """One agreement: with which books, on which night, by whom and why."""

    business_date: str
    rules_version: str
    agreed_by: str
    reason: str


def agree(lake: Lake, night: date, rules_version: str, by: str, why: str) -> Path:
    """Write an agreement down; returns where it lies. Problem if it lacks who or why."""
    if not by.strip() or not why.strip():
        raise Problem("an agreement needs who agrees (--by) and why (--why)")
    agreement = Agreement(night.isoformat(), rules_version, by.strip(), why.strip())
    path = lake.rule_decisions / f"{night}_{rules_version[:VERSION_DIGITS]}.json"
    return write_decision(path, asdict(agreement))


def is_agreed(lake: Lake, night: date, rules_version: str) -> bool:
    """Whether somebody agreed with these books for the night; Problem if a file is damaged."""
    agreements = read_decision_files(lake.rule_decisions, lambda entry: Agreement(**entry))
    wanted = (night.isoformat(), rules_version)
    return any((each.business_date, each.rules_version) == wanted for each in agreements)
