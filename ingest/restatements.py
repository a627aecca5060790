"""Months that two people reopened: which, and through which night late lines became part of them.

`exports close approve` writes them, as one of the steps that close a month; a night after the one
that was published then knows of them.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from ingest.core.identity_decisions import read_decision_files
from ingest.core.lake import Lake

APPROVE = "approve"
DAY = timedelta(days=1)
RESTATEMENTS = pa.schema(
    [
        ("period_month", pa.date32()),
        ("version", pa.int64()),
        ("posted_through_date", pa.date32()),
        ("approved_by", pa.string()),
        ("reason", pa.string()),
    ]
)


@dataclass(frozen=True)
class Restatement:
    """A month's new version: what belongs to the month and was posted through a night is in it."""

    period_month: date
    version: int
    posted_through_date: date
    approved_by: str
    reason: str

    @property
    def effective_from(self) -> date:
        """The first night that knows of it."""
        return self.posted_through_date + DAY


def read_restatements(lake: Lake, night: date) -> list[Restatement]:
    """Those that a night knows of, by month and version; Problem if a file is damaged."""
    steps = [
        step
        for folder in sorted(lake.close_steps.glob("*/"))
        for step in read_decision_files(folder, dict)
        if step.get("step") == APPROVE
    ]
    known = [restatement for step in steps if (restatement := _made(step)).effective_from <= night]
    return sorted(known, key=lambda each: (each.period_month, each.version))


def restatement_table(lake: Lake, night: date) -> pa.Table:
    """The table `restatements` of a night."""
    rows = [
        {name: getattr(each, name) for name in RESTATEMENTS.names}
        for each in read_restatements(lake, night)
    ]
    return pa.Table.from_pylist(rows, RESTATEMENTS)


def _made(step: dict[str, Any]) -> Restatement:
    return Restatement(
        period_month=date.fromisoformat(f"{step['period']}-01"),
        version=int(step["version"]) + 1,
        posted_through_date=date.fromisoformat(step["on_date"]),
        approved_by=str(step["by"]),
        reason=str(step["why"]),
    )
