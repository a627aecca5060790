"""What people decided about refused rows: who, why, and from which night on.

One file a decision, never changed once its night has loaded. A night's load takes in what was
released since the night before, so the same nights with the same decisions give the same lake.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from ingest.core.errors import Problem
from ingest.core.identity_decisions import read_decision_files, write_decision
from ingest.core.lake import Lake
from ingest.deliveries import load_dates

RELEASE, REJECT = "release", "reject"
END_OF_TIME = date.max


@dataclass(frozen=True)
class Decision:
    """One decision on one row.

    `sealed` and `wrapped_key` hold corrected values (JSON by column name) in hex, sealed like the
    row itself.
    """

    quarantine_id: str
    decision: str
    source: str
    table_name: str
    load_date: date
    source_file: str
    source_row: int
    effective_from: date
    decided_by: str
    reason: str
    sealed: str = field(default="", repr=False)
    wrapped_key: str = field(default="", repr=False)


def next_night(lake: Lake, source: str) -> date:
    """The night from which on a decision of now counts: the one after the latest loaded."""
    loaded = load_dates(lake, source, END_OF_TIME)
    if not loaded:
        raise Problem(f"no night of {source} has been loaded yet; there is nothing to decide")
    return loaded[-1] + timedelta(days=1)


def keep_decision(lake: Lake, decision: Decision) -> Path:
    """Write a decision down; before its night it may be decided anew."""
    folder = lake.decisions(decision.source)
    path = folder / f"{decision.effective_from.isoformat()}_{decision.quarantine_id}.json"
    return write_decision(path, asdict(decision))


def read_decisions(lake: Lake, source: str) -> list[Decision]:
    """All decisions of a source in the order of their nights; Problem if a file is damaged."""

    def make(entry: dict[str, Any]) -> Decision:
        for name in ("load_date", "effective_from"):
            entry[name] = date.fromisoformat(entry[name])
        return Decision(**entry)

    return read_decision_files(lake.decisions(source), make)


def released_since(lake: Lake, source: str, night: date) -> list[Decision]:
    """Releases that the load of a night has to take in."""
    before = load_dates(lake, source, night)
    last = before[-1] if before else date.min
    return [
        decision
        for decision in read_decisions(lake, source)
        if decision.decision == RELEASE and last < decision.effective_from <= night
    ]
