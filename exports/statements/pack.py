"""The statement pack of one month: for every party a workbook, its detail as CSV, and a manifest.

A closed month cites its close (number and publication) and is written once: what finance downloaded
stays the same for ever. Until then a month has drafts, made by the same code, new every night.
"""

import calendar
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from exports.catalogue import Catalogue, read_catalogue
from exports.folder import ExportFolder, file_name, file_sha256
from exports.published import open_current
from exports.reader import MANIFEST, Publication, sql_text
from exports.statements.checks import check_month
from exports.statements.figures import (
    MonthFigures,
    MonthReader,
    PartyFigures,
    Row,
    month_text,
)
from exports.statements.header import CLOSED, DRAFT, Header
from exports.statements.workbook import sheet_lines, write_workbook
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.settings import Settings

ROWS_AT_A_TIME = 10_000


@dataclass(frozen=True)
class Close:
    """What the close of a month recorded for one party, in fen."""

    party: str
    opening_fen: int
    receivable_fen: int
    payable_fen: int
    closing_fen: int
    line_count: int
    version: str
    statement_no: str


@dataclass(frozen=True)
class Month:
    """What the pack of one month is written from."""

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    catalogue: Catalogue
    figures: MonthFigures

    @property
    def period(self) -> str:
        """The month as YYYY-MM."""
        return month_text(self.figures.period_month)

    def folder(self, party: PartyFigures) -> Path:
        """Where one party's statement goes."""
        return self.lake.outbox / "statements" / self.period / file_name(party.party.party)

    def name(self, party: PartyFigures, status: str) -> str:
        """What the files of one party's statement are called, after 结算单_ or 明细_."""
        return f"{file_name(party.party.party_name)}_{self.period}_{status}"


def write_pack(settings: Settings, period: str) -> tuple[Path, ...]:
    """Write the statements of a closed month (YYYY-MM) and return their folders, one a party.

    Raises Problem if the month is not closed, nothing is published, or the published figures are
    no longer those of the close.
    """
    first_day = parse_period(period)
    lake = Lake(settings.lake)
    closes = read_closes(lake, period)
    if not closes:
        raise Problem(
            f"month {period} is not closed; run python -m exports close --period {period}"
        )
    with open_current(settings) as (_, connection):
        month = _read_month(lake, connection, first_day, read_catalogue())
        parties = {party.party.party: party for party in month.figures.parties}
        for code, close in closes.items():
            _check_closed(period, close, parties.get(code))
        return tuple(
            _write_closed(month, party, closes[code])
            for code, party in parties.items()
            if code in closes
        )


def write_drafts(
    lake: Lake,
    publication: Publication,
    connection: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
) -> tuple[Path, ...]:
    """Write drafts of the month of the published date, up to that date, of the parties that get
    one every night; return their folders.
    """
    to_date = publication.business_date
    month = _read_month(lake, connection, to_date.replace(day=1), catalogue)
    missing_sources = _missing_sources(connection)
    folders = []
    for party in month.figures.parties:
        if party.party.party_kind not in catalogue.statement.draft_party_kinds:
            continue
        has_detail = party.lines.line_count <= catalogue.statement.draft_csv_lines
        header = Header(
            statement_no=f"CG-{month.period}-{party.party.party.upper()}-{to_date:%Y%m%d}",
            status=DRAFT,
            from_date=month.figures.period_month,
            to_date=to_date,
            version=publication.version,
            missing_sources=missing_sources,
            detail_file=f"明细_{month.name(party, DRAFT)}.csv" if has_detail else None,
        )
        folders.append(_write_party(month, party, header))
    return tuple(folders)


def parse_period(period: str) -> date:
    """First day of a month written YYYY-MM; Problem if it is not one."""
    try:
        first_day = date.fromisoformat(f"{period}-01")
    except ValueError:
        first_day = None
    if first_day is None or month_text(first_day) != period:
        raise Problem(f"{period} is not a month; write it as YYYY-MM, for example 2026-11")
    return first_day


def read_closes(lake: Lake, period: str) -> dict[str, Close]:
    """What the close of a month recorded, by party; empty if the month is not closed."""
    path = lake.close(period)
    if not path.exists():
        return {}
    names = [field.name for field in fields(Close)]
    rows = pq.ParquetFile(path).read(columns=names).to_pylist()
    return {row["party"]: Close(**row) for row in rows}


def _read_month(
    lake: Lake, connection: duckdb.DuckDBPyConnection, first_day: date, catalogue: Catalogue
) -> Month:
    figures = MonthReader(connection, first_day, catalogue).read()
    check_month(figures)
    return Month(lake, connection, catalogue, figures)


def _check_closed(period: str, close: Close, party: PartyFigures | None) -> None:
    """A closed month never changes: what is published for it is what was closed."""
    if party is None:
        raise Problem(f"{close.party} has a close for {period} but is not published as a party")
    found = {
        "opening_fen": party.balance.opening_fen,
        "receivable_fen": party.balance.receivable_fen,
        "payable_fen": party.balance.payable_fen,
        "closing_fen": party.balance.closing_fen,
        "line_count": party.lines.line_count,
    }
    for column, value in found.items():
        closed = getattr(close, column)
        if value != closed:
            raise Problem(
                f"closed month {period} of {close.party}: {column} was {closed} at the close and "
                f"is {value} in the published version; no statement was written, "
                "publish a version that agrees with the close"
            )


def _write_closed(month: Month, party: PartyFigures, close: Close) -> Path:
    folder = month.folder(party)
    if _is_complete(folder, close):
        return folder
    first_day = month.figures.period_month
    last_day = calendar.monthrange(first_day.year, first_day.month)[1]
    header = Header(
        statement_no=close.statement_no,
        status=CLOSED,
        from_date=first_day,
        to_date=first_day.replace(day=last_day),
        version=close.version,
        missing_sources=(),
        detail_file=f"明细_{month.name(party, CLOSED)}.csv",
    )
    return _write_party(month, party, header)


def _is_complete(folder: Path, close: Close) -> bool:
    """True if this very statement is there and every file is as its manifest says."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return (
            manifest["statement_no"] == close.statement_no
            and manifest["version"] == close.version
            and all(
                file_sha256(folder / entry["name"]) == entry["sha256"]
                for entry in manifest["files"]
            )
        )
    except (OSError, ValueError, KeyError):
        return False


def _write_party(month: Month, party: PartyFigures, header: Header) -> Path:
    """Write one party's workbook, detail and manifest."""
    columns = month.catalogue.exports["statement_lines"].columns
    relation = _lines_sql(month, party.party.party)
    count = party.lines.line_count
    in_sheet = count <= sheet_lines(header, month.catalogue)
    folder = ExportFolder(month.folder(party))

    def write_xlsx(path: Path) -> None:
        lines = _read_lines(month.connection, relation) if in_sheet else iter(())
        write_workbook(path, header, party, month.figures, lines, month.catalogue)

    folder.add_file(
        f"结算单_{month.name(party, header.status)}.xlsx",
        write_xlsx,
        rows=count if in_sheet else 0,
        sum_fen=party.balance.net_fen,
    )
    if header.detail_file:
        written = folder.add_csv(
            header.detail_file,
            month.connection,
            relation,
            columns,
            "line_no",
            sum_fen=party.balance.net_fen,
        )
        if written != count:
            raise Problem(f"{header.detail_file} has {written} rows, not {count}; export again")
    return folder.finish(**_manifest(month, party, header))


def _manifest(month: Month, party: PartyFigures, header: Header) -> dict[str, Any]:
    balance = party.balance
    return {
        "statement_no": header.statement_no,
        "status": header.status,
        "party": party.party.party,
        "party_name": party.party.party_name,
        "period": month.period,
        "from_date": header.from_date.isoformat(),
        "to_date": header.to_date.isoformat(),
        "version": header.version,
        "run_key": header.run_key,
        "is_provisional": header.is_draft,
        "missing_sources": list(header.missing_sources),
        "line_count": party.lines.line_count,
        "opening_fen": balance.opening_fen,
        "receivable_fen": balance.receivable_fen,
        "payable_fen": balance.payable_fen,
        "net_fen": balance.net_fen,
        "closing_fen": balance.closing_fen,
    }


def _missing_sources(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Sources of which a delivery is missing or was refused."""
    rows = connection.execute(
        "select source from fct_source_freshness where is_provisional order by source"
    ).fetchall()
    return tuple(row[0] for row in rows)


def _lines_sql(month: Month, party: str) -> str:
    """A party's lines of the month, numbered; receivable and payable are from its side."""
    names = " ".join(
        f"when {sql_text(code)} then {sql_text(name)}"
        for code, name in month.catalogue.names["movement_type"].items()
    )
    return f"""
        with sides as (
            select
                *,
                case when payee_party = {sql_text(party)} then amount_fen else 0 end
                    as receivable_fen,
                case when payer_party = {sql_text(party)} then amount_fen else 0 end
                    as payable_fen,
                case when payer_party = {sql_text(party)} then payee_party else payer_party end
                    as counterparty
            from fct_settlement_lines
            where period_month = date {sql_text(month.figures.period_month.isoformat())}
                and {sql_text(party)} in (payer_party, payee_party)
        )
        select
            row_number() over (order by posted_date, business_date, line_id) as line_no,
            sides.*,
            receivable_fen - payable_fen as net_fen,
            case movement_type {names} else movement_type end as movement_name,
            coalesce(dim_parties.party_name, counterparty) as counterparty_name
        from sides left join dim_parties on counterparty = dim_parties.party
    """


def _read_lines(connection: duckdb.DuckDBPyConnection, relation: str) -> Iterator[Row]:
    """The lines in the order of their number, a few thousand in memory at a time."""
    with connection.cursor() as cursor:
        cursor.execute(f"select * from ({relation}) order by line_no")
        names = [column[0] for column in cursor.description or []]
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            for row in rows:
                yield dict(zip(names, row, strict=True))
