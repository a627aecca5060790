"""Payments between parties as finance has made them: a journal that is only ever added to.

One file a recording, numbered, each with the SHA-256 of the one before, so that none can be changed
or taken away unseen. What was recorded is corrected by a reversal and nothing else. A recording
counts from a night that had not begun when it was made, so the same nights with the same journal
give the same balances. `exports payments` writes it, every night reads it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_new

PAYMENTS = pa.schema(
    [
        ("payment_id", pa.string()),
        ("bank_reference", pa.string()),
        ("payer_party", pa.string()),
        ("payee_party", pa.string()),
        ("amount_fen", pa.int64()),
        ("paid_date", pa.date32()),
        ("posted_date", pa.date32()),
        ("is_reversal", pa.bool_()),
        ("recorded_by", pa.string()),
        ("note", pa.string()),
        ("source_file", pa.string()),
        ("source_row", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Payment:
    """One payment, or the reversal of one, which goes the other way. `amount_fen` is positive,
    `paid_date` the bank's; `source_row` counts the data rows of the file, None without a file.
    """

    bank_reference: str
    payer_party: str
    payee_party: str
    amount_fen: int
    paid_date: date
    note: str = ""
    is_reversal: bool = False
    source_row: int | None = None

    @property
    def said(self) -> tuple[str, str, int, date]:
        """What makes two payments of one reference the same."""
        return self.payer_party, self.payee_party, self.amount_fen, self.paid_date

    def reversed(self, why: str) -> "Payment":
        """The entry that takes it back."""
        return replace(
            self,
            payer_party=self.payee_party,
            payee_party=self.payer_party,
            note=why,
            is_reversal=True,
            source_row=None,
        )


@dataclass(frozen=True)
class Recording:
    """What somebody recorded at one go. `posted_date` is the first night that knows of it."""

    recorded_by: str
    posted_date: date
    source_file: str | None
    payments: tuple[Payment, ...]


@dataclass(frozen=True)
class Journal:
    """All recordings, oldest first."""

    recordings: tuple[Recording, ...] = ()
    last_sha256: str | None = None

    @cached_property
    def _by_reference(self) -> dict[str, list[tuple[Recording, Payment]]]:
        entries: dict[str, list[tuple[Recording, Payment]]] = {}
        for recording in self.recordings:
            for payment in recording.payments:
                entries.setdefault(payment.bank_reference, []).append((recording, payment))
        return entries

    def of_reference(self, bank_reference: str) -> list[tuple[Recording, Payment]]:
        """The entries of a bank reference: a payment, its reversal, a payment recorded anew."""
        return self._by_reference.get(bank_reference, [])


def read_journal(lake: Lake) -> Journal:
    """The journal; Problem if a file is damaged, missing or was changed."""
    recordings: list[Recording] = []
    last: str | None = None
    for number, path in enumerate(sorted(lake.payments.glob("*.json")), 1):
        try:
            content = path.read_bytes()
            entry: dict[str, Any] = json.loads(content)
            before = entry.pop("previous_sha256")
            recording = _recording(entry)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Problem(f"{path} is no recording of payments; restore it") from error
        if path.name != _name(number) or before != last:
            raise Problem(
                f"{path} does not follow the recording before it: one was changed or taken away; "
                f"restore {path.parent} from a backup"
            )
        recordings.append(recording)
        last = hashlib.sha256(content).hexdigest()
    return Journal(tuple(recordings), last)


def add_recording(lake: Lake, journal: Journal, recording: Recording) -> Path:
    """Write a recording down after those of `journal`; Problem if somebody was faster."""
    path = lake.payments / _name(len(journal.recordings) + 1)
    entry = {**asdict(recording), "previous_sha256": journal.last_sha256}
    document = json.dumps(entry, ensure_ascii=False, indent=2, default=str) + "\n"
    if not write_new(path, document.encode()):
        raise Problem(
            f"somebody else recorded payments meanwhile ({path}), and nothing was recorded now; "
            "do it again"
        )
    return path


def payments_known(lake: Lake, night: date) -> Iterator[dict[str, Any]]:
    """The entries that a night knows of, in their order, with an id each: the bank reference and
    the number of the entry among those of it.
    """
    numbers: dict[str, int] = {}
    for recording in read_journal(lake).recordings:
        for payment in recording.payments if recording.posted_date <= night else ():
            number = numbers[payment.bank_reference] = numbers.get(payment.bank_reference, 0) + 1
            yield {
                **asdict(payment),
                "payment_id": f"{payment.bank_reference}#{number}",
                "posted_date": recording.posted_date,
                "recorded_by": recording.recorded_by,
                "source_file": recording.source_file,
            }


def payment_table(lake: Lake, night: date) -> pa.Table:
    """The table `payments` of a night."""
    return pa.Table.from_pylist(list(payments_known(lake, night)), PAYMENTS)


def _recording(entry: dict[str, Any]) -> Recording:
    entry["posted_date"] = date.fromisoformat(entry["posted_date"])
    entry["payments"] = tuple(
        Payment(**{**payment, "paid_date": date.fromisoformat(payment["paid_date"])})
        for payment in entry["payments"]
    )
    return Recording(**entry)


def _name(number: int) -> str:
    return f"{number:06d}.json"
