"""Payments as finance hands them in: a CSV file, read into payments or refused line by line."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingest.core.dates import parse_date
from ingest.core.errors import Problem, one_line
from ingest.core.payments import Journal, Payment

NEEDED = ("bank_reference", "paid_date", "payer_party", "payee_party", "amount_fen")
COLUMNS = (*NEEDED, "note")
LARGEST_FEN = 10**15
WHOLE = re.compile(r"[0-9]{1,16}")


class Refused(Exception):
    """A value that cannot be taken: its column, and why."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")


@dataclass(frozen=True)
class Known:
    """What a payment is held against: the parties that can pay and be paid, the last date on which
    it can have been made, what was recorded before.
    """

    parties: Collection[str]
    last_date: date
    journal: Journal


@dataclass(frozen=True)
class Batch:
    """What of a file is new, how many were recorded before, and what is wrong, line by line. If
    anything is wrong, nothing of it may be recorded.
    """

    payments: tuple[Payment, ...]
    known_count: int
    faults: tuple[str, ...]


def read_payments(path: Path, known: Known) -> Batch:
    """Read a CSV file (UTF-8, first line the names of the columns, `note` may be missing).

    Problem if it is no such file. Amounts are whole fen.
    """
    taken: dict[str, Payment] = {}
    known_count, faults = 0, []
    for row_number, (line, values) in enumerate(_lines(path), 1):
        try:
            payment = new_payment(values, known, row_number)
            if payment is not None and (other := taken.get(payment.bank_reference)):
                if payment.said != other.said:
                    raise Refused("bank_reference", f"stands in data row {other.source_row}, too")
                payment = None
        except Refused as refused:
            faults.append(f"{path}, line {line}, column {refused}")
            continue
        if payment is None:
            known_count += 1
        else:
            taken[payment.bank_reference] = payment
    return Batch(tuple(taken.values()), known_count, tuple(faults))


def new_payment(
    values: Mapping[str, str], known: Known, source_row: int | None = None
) -> Payment | None:
    """The payment that was written; None if it was recorded before. Raises Refused."""
    payment = Payment(
        bank_reference=_text(values, "bank_reference"),
        payer_party=_party(values, "payer_party", known),
        payee_party=_party(values, "payee_party", known),
        amount_fen=_amount(values),
        paid_date=_date(values, known),
        note=values.get("note", "").strip(),
        source_row=source_row,
    )
    if payment.payer_party == payment.payee_party:
        raise Refused("payee_party", f"{payment.payee_party} cannot pay itself")
    entries = known.journal.of_reference(payment.bank_reference)
    if any(payment.said == before.said and not before.is_reversal for _, before in entries):
        return None
    if entries and not entries[-1][1].is_reversal:
        recording, before = entries[-1]
        raise Refused(
            "bank_reference",
            f"{payment.bank_reference} was recorded by {recording.recorded_by} as {said(before)}; "
            "if that is wrong, reverse it first",
        )
    return payment


def said(payment: Payment) -> str:
    """A payment in words."""
    return (
        f"{payment.amount_fen} fen from {payment.payer_party} to {payment.payee_party} on "
        f"{payment.paid_date}"
    )


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each data row with the line on which it begins; Problem for a file that is no such table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            _check_names(path, names)
            while True:
                line = reader.line_num + 1
                row = next(reader, None)
                if row is None:
                    return
                if len(row) != len(names):
                    if not any(value.strip() for value in row):
                        continue
                    raise Problem(
                        f"{path}, line {line}: {len(row)} values for {len(names)} columns; nothing "
                        "was recorded"
                    )
                yield line, dict(zip(names, row, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Problem(f"cannot read {path} as CSV in UTF-8: {one_line(error)}") from error


def _check_names(path: Path, names: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in names]
    unknown = [name for name in names if name not in COLUMNS]
    if missing or unknown or len(set(names)) < len(names):
        wrong = f"lacks {missing[0]}" if missing else f"names {(unknown or names)[0]}"
        raise Problem(
            f"{path}, line 1: it {wrong}; the columns are {', '.join(COLUMNS)}, each once, the "
            "last one only if there is something to note"
        )


def _text(values: Mapping[str, str], column: str) -> str:
    text = values[column].strip()
    if not text or not text.isprintable():
        raise Refused(column, "is empty" if not text else "holds characters that nobody can read")
    return text


def _party(values: Mapping[str, str], column: str, known: Known) -> str:
    party = _text(values, column)
    if party not in known.parties:
        raise Refused(
            column, f"'{party}' is no party that pays or is paid; dim_parties lists all of them"
        )
    return party


def _amount(values: Mapping[str, str]) -> int:
    text = _text(values, "amount_fen")
    if not WHOLE.fullmatch(text) or not 0 < int(text) <= LARGEST_FEN:
        raise Refused(
            "amount_fen", f"'{text}' is no amount in whole fen above 0; 1,234.50 yuan are 123450"
        )
    return int(text)


def _date(values: Mapping[str, str], known: Known) -> date:
    text = _text(values, "paid_date")
    try:
        paid = parse_date(text, "")
    except Problem as problem:
        raise Refused("paid_date", str(problem).strip()) from problem
    if paid > known.last_date:
        raise Refused("paid_date", f"{paid} is after {known.last_date}, the night that takes it in")
    return paid
