"""Real input: third-party data sets that nobody here wrote, turned into landing deliveries.

`python -m ingest connect --data DIR [--from YYYY-MM-DD] [--nights N] [--lake DIR]` reads a grocer's
receipts (as the mall's tills), a web shop's invoices (as the outlet centre's), a resort's bookings
(as the hotel), parking meters (as the car parks) and a coffee chain's offers (as the mini-program).
Each set is moved by whole weeks so that its last row falls in the week up to the last night. The
delivery of the first night carries everything before it, too, as the initial load. A source without
a set (property, the payment bill) delivers empty files. Where each row of each set went is printed
and kept in `connect/reconciliation.json`; the rule books by which the sets are settled are in
`connect/rules`, for RULES_DIR.
"""

import argparse
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

import polars as pl
import yaml

from ingest.connectors import (
    completejourney,
    meter_payments,
    offer_transcript,
    online_retail,
    resort_bookings,
)
from ingest.connectors.common import DELIVERY_DATE, WEEK_DAYS, Connected, SetAccount
from ingest.core.contract import Source, load_source, source_names
from ingest.core.dates import parse_date
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake, write_bytes
from ingest.core.log import step_log
from ingest.core.settings import load_settings
from ingest.landing import write_delivery, yuan_text

FIRST_NIGHT = "2026-09-01"
NIGHTS = "30"
MOST_NIGHTS = 366
CONNECTORS: Mapping[str, Callable[[Path, date, time], Connected]] = {
    completejourney.SOURCE: completejourney.connect,
    resort_bookings.SOURCE: resort_bookings.connect,
    meter_payments.SOURCE: meter_payments.connect,
    offer_transcript.SOURCE: offer_transcript.connect,
    online_retail.SOURCE: online_retail.connect,
}
LOG = step_log("connect")


def main(argv: list[str]) -> int:
    """Write the deliveries of some nights in a row; Problem on wrong arguments or data."""
    parser = argparse.ArgumentParser(prog="python -m ingest connect", description=__doc__)
    parser.add_argument("--data", required=True, help="folder of the third-party data")
    parser.add_argument("--from", dest="first", default=FIRST_NIGHT, help="first business date")
    parser.add_argument("--nights", default=NIGHTS, help="business dates in a row")
    parser.add_argument("--lake", help="the lake, instead of LAKE_ROOT")
    options = parser.parse_args(argv)
    settings = load_settings()
    data = Path(options.data).absolute()
    lake = Lake(Path(options.lake).absolute() if options.lake else settings.lake)
    nights = _nights(options.first, options.nights)
    if not data.is_dir():
        raise Problem(
            f"third-party data: {data} is no folder; --data must name the one that holds it"
        )
    sources = [
        load_source(settings.dbt_project, name) for name in source_names(settings.dbt_project)
    ]
    _check_landing(lake, sources, nights)
    connected: list[Connected] = []
    for source in sources:
        mapped = _map(source, data, nights[-1])
        row_count = sum(table.height for table in mapped.tables.values())
        LOG.info("connect: %s, %d rows for landing", source.name, row_count)
        deliver(lake, source, nights, mapped.tables)
        connected.append(replace(mapped, tables={}))  # counts only: the rows are big
    _report(lake, nights, connected)
    write_books(settings.rules, lake.root / "connect" / "rules", connected)
    return 0


def write_books(rules: Path, target: Path, connected: Sequence[Connected]) -> None:
    """A copy of the rule books in `rules`, those in place that the sets bring."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(rules, target)
    for name, book in (item for one in connected for item in one.books.items()):
        text = yaml.safe_dump(book, allow_unicode=True, sort_keys=False)
        write_bytes(target / name, text.encode())
    print(f"rules: RULES_DIR={target}")


def deliver(
    lake: Lake, source: Source, nights: Sequence[date], tables: Mapping[str, pl.DataFrame]
) -> None:
    """Write one delivery a night; the first one holds all rows that are older than the nights.

    Raises ValueError on rows after the last night: nobody would ever load them.
    """
    parts: dict[str, dict[date, pl.DataFrame]] = {}
    for name, table in tables.items():
        due = table.with_columns(pl.col(DELIVERY_DATE).clip(lower_bound=nights[0]))
        parts[name] = {
            day: part.drop(DELIVERY_DATE)
            for (day,), part in due.partition_by(DELIVERY_DATE, as_dict=True).items()
        }
        late = sorted(parts[name].keys() - set(nights))
        if late:
            raise ValueError(f"{source.name}.{name} has rows after the last night: {late[-1]}")
    for night in nights:
        tonight = {name: days[night] for name, days in parts.items() if night in days}
        write_delivery(lake, source, night, tonight)


def _nights(first: str, count: str) -> list[date]:
    first_night = parse_date(first, "--from")
    if not (count.isdecimal() and 1 <= int(count) <= MOST_NIGHTS):
        raise Problem(f"--nights '{count}' must be a whole number from 1 to {MOST_NIGHTS}")
    return [first_night + timedelta(days=offset) for offset in range(int(count))]


def _check_landing(lake: Lake, sources: Sequence[Source], nights: Sequence[date]) -> None:
    """Problem if other deliveries lie in landing: two groups do not make one history."""
    ours = {lake.landing(source.name, night) for source in sources for night in nights}
    for folder in sorted((lake.root / "landing").glob("*/*")):
        if folder not in ours:
            raise Problem(
                f"{folder} is a delivery of another group or of other nights; "
                "name another lake with --lake, or empty the landing zone"
            )


def _map(source: Source, data: Path, last_night: date) -> Connected:
    """A source's landing tables from its set, none if it has no set.

    Problem if the set is another one than its connector maps, or a row or a fen is unaccounted for.
    """
    connect = CONNECTORS.get(source.name)
    if connect is None:
        return Connected(source.name, 0, {}, [])
    try:
        mapped = connect(data, last_night, source.day_cut_off)
    except pl.exceptions.PolarsError as error:
        reason = one_line(error)
        raise Problem(
            f"third-party data for {source.name} is not the expected set: {reason}"
        ) from error
    for account in mapped.accounts:
        if not account.is_balanced:
            raise Problem(
                f"{account.file}: {account.rows} rows read, {account.used} used and "
                f"{sum(account.left_out.values())} left out; {account.amount_fen} fen read, "
                f"{account.written_fen} written; the set is not the one that its connector maps"
            )
    return mapped


def _report(lake: Lake, nights: Sequence[date], connected: Sequence[Connected]) -> None:
    """Keep and print where each row of each set went."""
    document = {
        "first_night": nights[0].isoformat(),
        "last_night": nights[-1].isoformat(),
        "sets": [
            {"source": one.source, "shift_weeks": one.shift_days // WEEK_DAYS, **_entry(account)}
            for one in connected
            for account in one.accounts
        ],
    }
    path = lake.root / "connect" / "reconciliation.json"
    write_bytes(path, (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode())
    for one in connected:
        print(f"{one.source}: {_moved(one)}")
        for account in one.accounts:
            _print(account)
    print(f"deliveries of {nights[0]} to {nights[-1]}: {lake.root / 'landing'}")
    print(f"these counts: {path}")


def _moved(connected: Connected) -> str:
    if not connected.accounts:
        return "no set, empty deliveries"
    return f"moved by {connected.shift_days // WEEK_DAYS} weeks"


def _entry(account: SetAccount) -> dict[str, object]:
    return {
        "file": account.file,
        "rows": account.rows,
        "used": account.used,
        "left_out": dict(account.left_out),
        "amount_fen": account.amount_fen,
        "written_fen": account.written_fen,
        "written": dict(account.written),
        "notes": list(account.notes),
    }


def _print(account: SetAccount) -> None:
    print(f"  {account.file}: {account.rows:,} rows, {account.used:,} used")
    for table, count in account.written.items():
        print(f"    {count:>12,}  to {table}")
    for reason, count in account.left_out.items():
        print(f"    {count:>12,}  left out, {reason}")
    if account.amount_fen is not None and account.written_fen is not None:
        read, written = yuan_text(account.amount_fen), yuan_text(account.written_fen)
        print(f"    ¥{read} read, ¥{written} written")
    for note in account.notes:
        print(f"    note: {note}")
