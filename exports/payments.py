"""python -m exports payments …: what finance has paid, recorded and taken back.

record FILE --by WHO
add --reference NO --on DATE --from PARTY --to PARTY --fen FEN --by WHO [--note TEXT]
reverse NO --by WHO --why WHY
ls
"""

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from exports.money import yuan
from exports.payment_files import Known, Refused, new_payment, read_payments, said
from exports.published import open_current
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.payments import (
    Journal,
    Payment,
    Recording,
    add_recording,
    payments_known,
    read_journal,
)
from ingest.core.pointer import latest_version
from ingest.core.settings import Settings

RECORD, ADD, REVERSE, LS = "record", "add", "reverse", "ls"
FAULTS_SHOWN = 20
DAY = timedelta(days=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    actions = parser.add_subparsers(dest="action", required=True)
    record = actions.add_parser(RECORD, help="record the payments of a CSV file")
    record.add_argument("file", type=Path, help="columns bank_reference, paid_date, payer_party, …")
    add = actions.add_parser(ADD, help="record one payment")
    add.add_argument("--reference", required=True, help="the bank's reference")
    add.add_argument("--on", required=True, help="date on which the bank paid, YYYY-MM-DD")
    add.add_argument("--from", dest="payer", required=True, help="party that paid, as mall")
    add.add_argument("--to", dest="payee", required=True, help="party that was paid, as mall/S0001")
    add.add_argument("--fen", required=True, help="amount in whole fen")
    add.add_argument("--note", default="", help="what else there is to say")
    reverse = actions.add_parser(REVERSE, help="take a payment back that was recorded by mistake")
    reverse.add_argument("reference", help="the bank's reference")
    reverse.add_argument("--why", required=True, help="why")
    actions.add_parser(LS, help="all entries")
    for each in (record, add, reverse):
        each.add_argument("--by", required=True, help="who records it")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Record, reverse or list; the exit status."""
    lake = Lake(settings.lake)
    if arguments.action == LS:
        return _list(lake)
    if not arguments.by.strip():
        raise Problem("a payment needs who records it; add --by WHO")
    journal, night = read_journal(lake), next_posting(lake)
    if arguments.action == REVERSE:
        entry = _reversal(journal, arguments.reference.strip(), arguments.why.strip())
        return _keep(lake, journal, night, arguments.by, (entry,))
    known = Known(_parties(settings), night, journal)
    if arguments.action == RECORD:
        return _record(lake, known, arguments)
    payment = _one(known, arguments)
    return _keep(lake, journal, night, arguments.by, (payment,) if payment else ())


def next_posting(lake: Lake) -> date:
    """The night from which on a recording of now counts: after the last one that was published, and
    after one that has been opened, which may have read the journal already. Problem before the
    first night.
    """
    version = latest_version(lake.root)
    if version is None:
        raise Problem("no night has been published yet, so nobody owes anything")
    nights = [date.fromisoformat(version.rpartition("-")[0])]
    if lake.tonight.is_file():
        opened = pq.read_table(lake.tonight, columns=["business_date"])
        nights += opened["business_date"].to_pylist()
    return max(nights) + DAY


def _parties(settings: Settings) -> set[str]:
    """Who can pay and be paid: everybody but suspense, which is nobody."""
    with open_current(settings) as (_, marts):
        rows = marts.execute("select party from dim_parties where party_kind <> 'suspense'")
        return {party for (party,) in rows.fetchall()}


def _one(known: Known, arguments: argparse.Namespace) -> Payment | None:
    values = {
        "bank_reference": arguments.reference,
        "paid_date": arguments.on,
        "payer_party": arguments.payer,
        "payee_party": arguments.payee,
        "amount_fen": arguments.fen,
        "note": arguments.note,
    }
    try:
        return new_payment(values, known)
    except Refused as refused:
        raise Problem(str(refused)) from refused


def _record(lake: Lake, known: Known, arguments: argparse.Namespace) -> int:
    batch = read_payments(arguments.file, known)
    for fault in batch.faults[:FAULTS_SHOWN]:
        print(f"error: {fault}", file=sys.stderr)
    if batch.faults:
        raise Problem(
            f"{len(batch.faults)} lines of {arguments.file} cannot be taken, so none was recorded; "
            "correct them and record the file again"
        )
    return _keep(
        lake,
        known.journal,
        known.last_date,
        arguments.by,
        batch.payments,
        batch.known_count,
        arguments.file.name,
    )


def _reversal(journal: Journal, reference: str, why: str) -> Payment:
    entries = journal.of_reference(reference)
    if not entries:
        raise Problem(f"no payment {reference} was recorded; python -m exports payments ls")
    recording, last = entries[-1]
    if last.is_reversal:
        raise Problem(f"{reference} was reversed by {recording.recorded_by} before: {last.note}")
    if not why:
        raise Problem(f"to reverse {reference} needs a reason; add --why WHY")
    return last.reversed(why)


def _keep(
    lake: Lake,
    journal: Journal,
    night: date,
    by: str,
    payments: tuple[Payment, ...],
    known_count: int = 0,
    source_file: str | None = None,
) -> int:
    """Write down what is new and say so; nothing is written if nothing is."""
    if not payments:
        print("nothing new: all of it had been recorded before")
        return 0
    before = f"; {known_count} had been recorded before" if known_count else ""
    path = add_recording(lake, journal, Recording(by.strip(), night, source_file, payments))
    total = yuan(sum(payment.amount_fen for payment in payments))
    what = "reversals" if payments[0].is_reversal else "payments"
    print(f"{len(payments)} {what}, {total} yuan, count from the night of {night}{before}: {path}")
    return 0


def _list(lake: Lake) -> int:
    """Every entry, one a line, oldest first."""
    for entry in payments_known(lake, date.max):
        words = said(Payment(**{name: entry[name] for name in Payment.__dataclass_fields__}))
        kind = "reversal" if entry["is_reversal"] else "payment"
        note = f": {entry['note']}" if entry["note"] else ""
        print(
            f"{entry['posted_date']}  {entry['payment_id']}  {kind} of {words}, recorded by "
            f"{entry['recorded_by']}{note}"
        )
    return 0
