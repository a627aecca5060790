"""Close a month: write down the totals that its statements say, once and for all.

A month's lines are those posted in it, so once its last night is published nothing can change it
any more. The close is the proof: every later night is compared with it (I5).
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exports.reader import Publication, require_publication
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import Settings

FIRST_VERSION = 1
SCHEMA = pa.schema(
    [
        ("period_month", pa.date32()),
        ("party", pa.string()),
        ("opening_fen", pa.int64()),
        ("receivable_fen", pa.int64()),
        ("payable_fen", pa.int64()),
        ("closing_fen", pa.int64()),
        ("line_count", pa.int64()),
        ("version", pa.string()),
        ("statement_no", pa.string()),
    ]
)
SAID_ONCE = [name for name in SCHEMA.names if name != "version"]  # a later version says the same

Row = dict[str, Any]


@dataclass(frozen=True)
class Close:
    """A closed month, one row a party. `is_new` is False if it was closed before."""

    period: str
    rows: tuple[Row, ...]
    is_new: bool


def close_month(settings: Settings, period: str) -> Close | None:
    """Close a month, written YYYY-MM, from the current publication; None if nothing was posted in
    it.

    Problem if its last night is not published, an earlier month is still open, its totals do not
    balance, or it was closed with other totals.
    """
    lake = Lake(settings.lake)
    month = _first_day(period)
    publication = require_publication(lake)
    _check_nights(publication, month)
    with publication.connect(settings.memory_limit) as marts:
        rows = _read_totals(marts, month, publication.version)
        earlier = _earlier_month(marts, month)
    if not rows:
        return None
    _check_totals(period, rows, _read_earlier_close(lake, earlier))
    closed = _read_close(lake, month)
    if closed is None:
        write_parquet(pa.Table.from_pylist(list(rows), SCHEMA), lake.close(period))
        return Close(period, rows, is_new=True)
    _check_unchanged(lake, period, closed, rows)
    return Close(period, closed, is_new=False)


def _first_day(period: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}", period):
            return date.fromisoformat(f"{period}-01")
    except ValueError:
        pass
    raise Problem(f"'{period}' is not a month; write the period as YYYY-MM, e.g. 2026-10")


def _period(month: date) -> str:
    return f"{month:%Y-%m}"


def _check_nights(publication: Publication, month: date) -> None:
    """Problem unless the month's last night is published."""
    last_night = month.replace(day=monthrange(month.year, month.month)[1])
    published = publication.business_date
    if published < last_night:
        raise Problem(
            f"{_period(month)} cannot be closed before its last night, {last_night}, is published; "
            f"the last published night is {published}, so run {published + timedelta(days=1)} next"
        )


def _read_totals(marts: duckdb.DuckDBPyConnection, month: date, version: str) -> tuple[Row, ...]:
    """Balances and line counts of a month by party; nothing if no line was posted in it."""
    totals = marts.execute(
        """
        select period_month, party, opening_fen, receivable_fen, payable_fen, closing_fen, (
            select count(*) from fct_settlement_lines as lines
            where lines.period_month = balances.period_month
                and balances.party in (lines.payer_party, lines.payee_party)
        ) as line_count
        from fct_settlement_balances as balances
        where period_month = $month
        order by party
        """,
        {"month": month},
    ).fetchall()
    return tuple(
        {
            **dict(zip(SCHEMA.names, total, strict=False)),
            "version": version,
            "statement_no": f"JS-{_period(month)}-{total[1].upper()}-v{FIRST_VERSION}",
        }
        for total in totals
    )


def _earlier_month(marts: duckdb.DuckDBPyConnection, month: date) -> date | None:
    """The last month before `month` in which lines were posted."""
    row = marts.execute(
        "select max(period_month) from fct_settlement_balances where period_month < $month",
        {"month": month},
    ).fetchone()
    earlier: date | None = row[0] if row else None
    return earlier


def _read_earlier_close(lake: Lake, earlier: date | None) -> tuple[Row, ...]:
    """The close that a month opens with; empty for the first one, Problem if the one before is
    open.
    """
    if earlier is None:
        return ()
    closed = _read_close(lake, earlier)
    if closed is None:
        raise Problem(
            f"{_period(earlier)} has settlement lines and is not closed; "
            f"run python -m exports close --period {_period(earlier)} first"
        )
    return closed


def _read_close(lake: Lake, month: date) -> tuple[Row, ...] | None:
    """What was written when a month was closed; None if it is open."""
    path = lake.close(_period(month))
    if not path.exists():
        return None
    try:
        return tuple(pq.ParquetFile(path).read().sort_by("party").to_pylist())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise Problem(f"cannot read {path}: {one_line(error)}; restore it from a backup") from error


def _check_totals(period: str, rows: tuple[Row, ...], earlier: tuple[Row, ...]) -> None:
    """Problem unless all parties make 0 together and each opens as it closed (I3, I5)."""
    for name in ("opening_fen", "closing_fen"):
        total = sum(row[name] for row in rows)
        if total != 0:
            raise Problem(f"{name} of all parties in {period} is {total}, not 0 (I3); not closed")
    closings = {row["party"]: row["closing_fen"] for row in earlier}
    for row in rows:
        if row["opening_fen"] + row["receivable_fen"] - row["payable_fen"] != row["closing_fen"]:
            raise Problem(f"{row['party']} does not add up in {period} (I5); not closed")
        if row["opening_fen"] != closings.get(row["party"], 0):
            raise Problem(
                f"{row['party']} opens {period} with {row['opening_fen']} fen, but closed the "
                f"month before with {closings.get(row['party'], 0)} (I5); not closed"
            )


def _check_unchanged(
    lake: Lake, period: str, closed: tuple[Row, ...], rows: tuple[Row, ...]
) -> None:
    """Problem if a closed month now says something else."""
    before = [[row[name] for name in SAID_ONCE] for row in closed]
    now = [[row[name] for name in SAID_ONCE] for row in rows]
    if before != now:
        raise Problem(
            f"{period} was closed with other totals than {rows[0]['version']} has for it (I5); "
            f"the close stays; compare {lake.close(period)} with fct_settlement_balances"
        )
