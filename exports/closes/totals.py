"""What a month's statements say, written down once and for all when it is frozen.

A month's lines are those that count for it in the publication it is frozen from (posted in it, in
its days of grace, or late ones that a restatement took in), and no later night can change them. The
totals are the proof: every later night is compared with them (I5).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from exports.closes.numbers import Issued, next_number, statement_no
from exports.months import first_day, last_day, month_text
from exports.reader import Publication
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake, write_parquet

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
        ("statement_version", pa.int64()),
        ("statement_number", pa.int64()),
        ("supersedes_no", pa.string()),
    ]
)
SAID_ONCE = SCHEMA.names[:7]  # a later publication says the same
FIGURES = SAID_ONCE[2:]
# What was paid is what the other figures leave of the closing, so a close need not write it down.
READ = (*SAID_ONCE, "payments_fen")

Row = dict[str, Any]


def grace_days(lake: Lake, publication: Publication, month: date) -> int:
    """Days after a month in which what belongs to it is still taken into it: the rule of the
    publication's night that holds on the month's first day, 0 if there is none.
    """
    for row in _rule_rows(lake, publication, "close_terms"):
        until = row["valid_until_date"]
        if row["valid_from_date"] <= month and (until is None or month < until):
            return int(row["grace_days"])
    return 0


def check_restated(
    lake: Lake, publication: Publication, month: date, version: int, through: date
) -> None:
    """Problem unless the publication's night knew of a month's newest version."""
    known = {
        (row["period_month"], row["version"])
        for row in _rule_rows(lake, publication, "restatements")
    }
    if version > 1 and (month, version) not in known:
        raise Problem(
            f"{month_text(month)} was reopened after the night of {through}; its late lines become "
            f"part of it in the next night; the last published night is "
            f"{publication.business_date}, so run {publication.business_date + timedelta(days=1)} "
            "next"
        )


def check_nights(publication: Publication, month: date, grace: int) -> date:
    """The last night whose lines count for a month; Problem unless it is published."""
    last_night = last_day(month)
    through = last_night + timedelta(days=grace)
    published = publication.business_date
    if published < through:
        which = f"its last night, {last_night}"
        if grace:
            which = f"the last of its {grace} days of grace, {through}"
        raise Problem(
            f"{month_text(month)} cannot be closed before {which}, is published; "
            f"the last published night is {published}, so run {published + timedelta(days=1)} next"
        )
    return through


def read_totals(marts: duckdb.DuckDBPyConnection, month: date) -> tuple[Row, ...]:
    """Balances and line counts of a month by party; nothing if no line counts for it."""
    totals = marts.execute(
        """
        with sides as (
            select payer_party as party from fct_settlement_lines where period_month = $month
            union all
            select payee_party from fct_settlement_lines where period_month = $month
        ),
        counts as (
            select party, count(*) as line_count from sides group by party
        )
        select period_month, balances.party, opening_fen, receivable_fen, payable_fen, closing_fen,
            coalesce(line_count, 0) as line_count, payments_fen
        from fct_settlement_balances as balances
        left join counts on balances.party = counts.party
        where period_month = $month
        order by balances.party
        """,
        {"month": month},
    ).fetchall()
    return tuple(dict(zip(READ, total, strict=True)) for total in totals)


def earlier_month(marts: duckdb.DuckDBPyConnection, month: date) -> date | None:
    """The last month before `month` for which lines count."""
    row = marts.execute(
        "select max(period_month) from fct_settlement_balances where period_month < $month",
        {"month": month},
    ).fetchone()
    earlier: date | None = row[0] if row else None
    return earlier


def read_close(lake: Lake, period: str, version: int) -> tuple[Row, ...] | None:
    """The totals of a version of a month, by party; None if it was never frozen."""
    path = lake.close(period, version)
    return _read(path) if path.exists() else None


def closes_of(lake: Lake) -> Iterator[tuple[str, int, tuple[Row, ...]]]:
    """Every frozen month with its version and rows, months and versions in order."""
    for folder in sorted((lake.root / "raw" / "closes").glob("period=*/")):
        period, version = folder.name.partition("=")[2], 1
        while rows := read_close(lake, period, version):
            yield period, version, rows
            version += 1


def write_totals(
    lake: Lake, period: str, version: int, publication: str, rows: tuple[Row, ...]
) -> tuple[Row, ...]:
    """Give each party its statement number and write a version's totals down; the rows written.

    Where they lie already (a freeze that was killed), they stay. Problem if those say otherwise.
    """
    if written := read_close(lake, period, version):
        check_unchanged(lake, period, version, written, rows, publication)
        return written
    numbered = tuple(_numbered(lake, period, version, publication, rows))
    write_parquet(pa.Table.from_pylist(list(numbered), SCHEMA), lake.close(period, version))
    return numbered


def check_totals(period: str, rows: tuple[Row, ...], earlier: tuple[Row, ...]) -> None:
    """Problem unless all parties make 0 together and each opens as it closed (I3, I5)."""
    for name in ("opening_fen", "payments_fen", "closing_fen"):
        total = sum(row[name] for row in rows)
        if total != 0:
            raise Problem(f"{name} of all parties in {period} is {total}, not 0 (I3); not closed")
    closings = {row["party"]: row["closing_fen"] for row in earlier}
    for row in rows:
        moved = row["receivable_fen"] - row["payable_fen"] + row["payments_fen"]
        if row["opening_fen"] + moved != row["closing_fen"]:
            raise Problem(f"{row['party']} does not add up in {period} (I5); not closed")
        if row["opening_fen"] != closings.get(row["party"], 0):
            raise Problem(
                f"{row['party']} opens {period} with {row['opening_fen']} fen, but closed the "
                f"month before with {closings.get(row['party'], 0)} (I5); not closed"
            )


def check_unchanged(
    lake: Lake,
    period: str,
    version: int,
    closed: tuple[Row, ...],
    rows: tuple[Row, ...],
    publication: str,
) -> None:
    """Problem if a frozen month now says something else. Every party of tonight has a row of every
    month; one that came later has no statement of it, and nothing in it.
    """
    known = {row["party"] for row in closed}
    before = [[row[name] for name in SAID_ONCE] for row in closed]
    now = [
        [row[name] for name in SAID_ONCE]
        for row in rows
        if row["party"] in known or any(row[name] for name in FIGURES)
    ]
    if before != now:
        raise Problem(
            f"{period} was closed with other totals than {publication} has for it (I5); "
            f"the close stays; compare {lake.close(period, version)} with fct_settlement_balances"
        )


def _numbered(
    lake: Lake, period: str, version: int, publication: str, rows: tuple[Row, ...]
) -> Iterator[Row]:
    year = first_day(period).year
    issued = [
        Issued(row["party"], row["period_month"].year, row["statement_number"])
        for _, _, closed in closes_of(lake)
        for row in closed
    ]
    replaced: Mapping[str, Row] = {
        row["party"]: row for row in (read_close(lake, period, version - 1) or ())
    }
    for row in rows:
        before = replaced.get(row["party"])
        number = before["statement_number"] if before else next_number(issued, row["party"], year)
        yield {
            **{name: row[name] for name in SAID_ONCE},
            "version": publication,
            "statement_no": statement_no(period, row["party"], number, version),
            "statement_version": version,
            "statement_number": number,
            "supersedes_no": before["statement_no"] if before else None,
        }


def _read(path: Path) -> tuple[Row, ...]:
    try:
        table = pq.ParquetFile(path).read()
        return tuple(table.select(SCHEMA.names).sort_by("party").to_pylist())
    except (OSError, KeyError, pa.ArrowException) as error:
        raise Problem(f"cannot read {path}: {one_line(error)}; restore it from a backup") from error


def _rule_rows(lake: Lake, publication: Publication, table: str) -> list[Row]:
    """A rule table as the publication's night had it; no rows if it had none."""
    path = lake.raw("rules", table, publication.business_date)
    rows: list[Row] = pq.ParquetFile(path).read().to_pylist() if path.exists() else []
    return rows
