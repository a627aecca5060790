"""The statement packs of a month: for every party a workbook, its detail and its balances with
each counterparty as CSV, and a manifest.

A frozen month cites its close (numbers and publication). While people review and confirm it, its
packs are written with the state of the day; once it is closed they are written one last time, and
what finance downloaded stays the same for ever: a restatement has folders of its own. Until then a
month has drafts, made by the same code, new every night.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from exports.catalogue import Catalogue, read_catalogue
from exports.closes import steps
from exports.closes.numbers import party_code
from exports.closes.totals import Row as CloseRow
from exports.closes.totals import grace_days, read_close
from exports.folder import ExportFolder
from exports.months import first_day, last_day, month_text
from exports.published import open_current
from exports.reader import MANIFEST, Publication
from exports.side_by_side import side_by_side
from exports.statements import header as says
from exports.statements.balances import counterparties_of
from exports.statements.cover_pdf import write_cover_pdf
from exports.statements.figures import PartyFigures
from exports.statements.header import DRAFT, Header, Made, Signatures, Signed
from exports.statements.month import Month, lines_of, read_month
from exports.statements.packs import read_pack
from exports.statements.provenance import previous_pack, read_inputs, read_made
from exports.statements.register import write_register
from exports.statements.rows import table_of
from exports.statements.signatures import Signer
from exports.statements.workbook import sheet_lines, write_workbook
from exports.writer import TEMPORARY, put_folder
from ingest.core.errors import Problem
from ingest.core.lake import Lake, remove
from ingest.core.settings import Settings

STATUS = {
    steps.FROZEN: says.TO_REVIEW,
    steps.REVIEWED: says.TO_CONFIRM,
    steps.CONFIRMED: says.CONFIRMED,
    steps.CLOSED: says.CLOSED,
    steps.REOPENING: says.CLOSED,
}
FIGURES = ("opening_fen", "receivable_fen", "payable_fen", "closing_fen")
Inputs = list[dict[str, Any]]


def write_pack(settings: Settings, period: str) -> tuple[Path, ...]:
    """Write the statements of a frozen month (YYYY-MM) and return their folders, one a party.

    Raises Problem if the month is not frozen, nothing is published, or the published figures are
    no longer those of the close.
    """
    month_day, lake = first_day(period), Lake(settings.lake)
    history = steps.read_history(lake, period)
    frozen = history.last(steps.FREEZE)
    if frozen is None or frozen.through_date is None:
        command = f"run {steps.COMMAND} --period {period}"
        if history.version > 1:
            command = (
                f"its version {history.version} is open, next is {steps.next_command(history)}"
            )
        raise Problem(f"month {period} is not closed; {command}")
    closes = {row["party"]: row for row in read_close(lake, period, history.version) or ()}
    with open_current(settings) as (_, connection):
        month = read_month(
            lake,
            connection,
            read_catalogue(),
            month_day,
            history.version,
            frozen.through_date,
            cutoff=frozen.on_date,
        )
        parties = {party.party.party: party for party in month.figures.parties}
        for code, close in closes.items():
            _check_closed(period, close, parties.get(code))
        made = read_made(lake, frozen.publication)
        inputs = read_inputs(connection, month_day, frozen.through_date)
        keys = settings.keys_file

        def write(month: Month, party: PartyFigures) -> Path:
            header = _header(month, party, closes[party.party.party], history, made)
            return _write_frozen(month, party, header, inputs, keys)

        closed = [party for code, party in parties.items() if code in closes]
        folders = _side_by_side(month, closed, write)
    write_register(lake)
    return folders


def write_drafts(
    lake: Lake,
    publication: Publication,
    connection: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
) -> tuple[Path, ...]:
    """Write drafts of the months that are open, up to the published date, of the parties that get
    one every night; return their folders.

    The months are that of the date, the one before while its days of grace last, and a month that
    is being restated.
    """
    made = read_made(lake, publication.version)
    missing = _missing_sources(connection)
    folders: list[Path] = []
    for day, version, through in _open_months(lake, publication):
        month = read_month(
            lake,
            connection,
            catalogue,
            day,
            version,
            through,
            cutoff=publication.business_date,
        )
        inputs = read_inputs(connection, day, through)

        def write(month: Month, party: PartyFigures, inputs: Inputs = inputs) -> Path:
            header = _draft_header(month, party, publication, made, missing)
            return _write_party(month, party, header, inputs, month.folder(party))

        kinds = catalogue.statement.draft_party_kinds
        some = [party for party in month.figures.parties if party.party.party_kind in kinds]
        folders += _side_by_side(month, some, write)
    write_register(lake)
    return tuple(folders)


def _side_by_side(
    month: Month, parties: Sequence[PartyFigures], write: Callable[[Month, PartyFigures], Path]
) -> tuple[Path, ...]:
    """Write parties' statements several at once, those with most lines first; their folders."""
    by_length = sorted(parties, key=lambda party: -party.lines.line_count)
    folders = side_by_side(
        month.connection,
        lambda own, party: write(replace(month, connection=own), party),
        by_length,
    )
    of_party = dict(zip((party.party.party for party in by_length), folders, strict=True))
    return tuple(of_party[party.party.party] for party in parties)


def is_frozen(lake: Lake, period: str) -> bool:
    """Whether a month's statements are no drafts any more."""
    return steps.read_history(lake, period).is_frozen


def _open_months(lake: Lake, publication: Publication) -> Iterator[tuple[date, int, date]]:
    """First day, version and last night of each month that has drafts."""
    night = publication.business_date
    this_month = night.replace(day=1)
    before = (this_month - timedelta(days=1)).replace(day=1)
    until = last_day(before) + timedelta(days=grace_days(lake, publication, before))
    for period in steps.periods_with_steps(lake):
        history = steps.read_history(lake, period)
        approved = history.last(steps.APPROVE, history.version - 1)
        if history.state == steps.REOPENED and approved and approved.on_date < night:
            yield first_day(period), history.version, approved.on_date
    if night <= until and not steps.read_history(lake, month_text(before)).steps:
        yield before, 1, night
    if not is_frozen(lake, month_text(this_month)):
        yield this_month, 1, night


def _draft_header(
    month: Month,
    party: PartyFigures,
    publication: Publication,
    made: Made,
    missing: tuple[str, ...],
) -> Header:
    night = publication.business_date
    version = "" if month.version == 1 else f"-v{month.version}"
    has_detail = party.lines.line_count <= month.catalogue.statement.draft_csv_lines
    return Header(
        statement_no=f"CG-{month.period}{version}-{party_code(party.party.party)}-{night:%Y%m%d}",
        status=DRAFT,
        from_date=month.figures.period_month,
        to_date=month.through,
        version=publication.version,
        missing_sources=missing,
        detail_file=f"明细_{month.name(party, DRAFT)}.csv" if has_detail else None,
        made=made,
        statement_version=month.version,
    )


def _header(
    month: Month, party: PartyFigures, close: CloseRow, history: steps.History, made: Made
) -> Header:
    """Of a frozen statement: numbers of its close, names of those who took the steps."""
    status = STATUS[history.state]
    return Header(
        statement_no=close["statement_no"],
        status=status,
        from_date=month.figures.period_month,
        to_date=month.through,
        version=close["version"],
        missing_sources=month.missing_sources,
        detail_file=f"明细_{month.name(party, status)}.csv",
        made=made,
        statement_version=close["statement_version"],
        supersedes_no=close["supersedes_no"],
        signatures=_signatures(history, party.party.party),
    )


def _signatures(history: steps.History, party: str) -> Signatures:
    confirmations = [step for step in history.confirmations() if step.party in (None, party)]
    return Signatures(
        _signed(history.last(steps.FREEZE)),
        _signed(history.last(steps.REVIEW)),
        _signed(confirmations[0] if confirmations else None),
    )


def _signed(step: steps.Step | None) -> Signed | None:
    return Signed(step.by, step.on_date) if step else None


def _check_closed(period: str, close: CloseRow, party: PartyFigures | None) -> None:
    """A frozen month never changes: what is published for it is what was frozen."""
    if party is None:
        raise Problem(f"{close['party']} has a close for {period} but is not published as a party")
    found = {name: getattr(party.balance, name) for name in FIGURES}
    for column, value in {**found, "line_count": party.lines.line_count}.items():
        closed = close[column]
        if value != closed:
            raise Problem(
                f"closed month {period} of {close['party']}: {column} was {closed} at the close "
                f"and is {value} in the published version; no statement was written, "
                "publish a version that agrees with the close"
            )


def _write_frozen(
    month: Month, party: PartyFigures, header: Header, inputs: Inputs, keys_file: Path
) -> Path:
    """Write a frozen statement. One that is closed and lies there stays; if it is damaged, it is
    put back as it was, under the key that signed it, or not at all.
    """
    folder = month.folder(party)
    pack = read_pack(folder)
    is_this = pack is not None and pack.is_closed and pack.statement_no == header.statement_no
    if pack is None or not is_this:
        signer = Signer(keys_file) if header.status == says.CLOSED else None
        return _write_party(month, party, header, inputs, folder, signer)
    if not pack.faults():
        return folder
    again = folder.with_name(folder.name + TEMPORARY)
    remove(again)
    signer = Signer(keys_file, pack.signing_key_id) if pack.signing_key_id else None
    _write_party(month, party, header, inputs, again, signer)
    if (again / MANIFEST).read_bytes() != (folder / MANIFEST).read_bytes():
        remove(again)
        raise Problem(
            f"{pack.faults()[0]}, and what is published today would make another statement; "
            "restore the folder from a backup"
        )
    remove(folder)
    put_folder(again, folder)
    return folder


def _write_party(
    month: Month,
    party: PartyFigures,
    header: Header,
    inputs: Inputs,
    place: Path,
    signer: Signer | None = None,
) -> Path:
    """Write one party's detail, workbook, cover and manifest, signed if it is closed."""
    columns = month.catalogue.exports["statement_lines"].columns
    count, net_fen = party.lines.line_count, party.balance.net_fen
    in_sheet = count <= sheet_lines(header, month.catalogue)
    before = None
    if not header.is_draft:
        code = party.party.party
        before = previous_pack(month.lake, month.period, code, month.before.get(code))
    folder = ExportFolder(place)
    lines = lines_of(month, party)
    if header.detail_file:
        name = header.detail_file
        written = folder.add_csv(name, month.connection, lines, columns, None, sum_fen=net_fen)
        if written != count:
            raise Problem(f"{name} has {written} rows, not {count}; export again")
        header = replace(header, detail_sha256=folder.sha256_of(name))

    def write_xlsx(path: Path) -> None:
        listed = month.connection.sql(lines) if in_sheet else ()
        write_workbook(path, header, party, month, listed)

    _add_counterparties(folder, month, party, header)
    name = f"结算单_{month.name(party, header.status)}.xlsx"
    folder.add_file(name, write_xlsx, rows=count if in_sheet else 0, sum_fen=net_fen)
    if not header.is_draft:
        folder.add_file(
            f"封面_{month.name(party, header.status)}.pdf",
            lambda path: write_cover_pdf(path, header, party, month.figures, month.catalogue),
            rows=0,
            sum_fen=net_fen,
        )
    if signer:
        signer.add_key(folder, before)
    return folder.finish(
        signer.signature if signer else None,
        **_manifest(month, party, header),
        inputs=inputs,
        previous_manifest_sha256=before.sha256 if before else None,
        **({"signing_key_id": signer.key_id} if signer else {}),
    )


def _add_counterparties(
    folder: ExportFolder, month: Month, party: PartyFigures, header: Header
) -> None:
    """The party's balances counterparty by counterparty, as the sheet 往来对照 has them."""
    columns = month.catalogue.exports["statement_counterparties"].columns
    rows = counterparties_of(party, month.figures)
    month.connection.register("counterparties", table_of(columns, rows))
    folder.add_csv(
        f"往来_{month.name(party, header.status)}.csv",
        month.connection,
        "select * from counterparties",
        columns,
        None,
        sum_fen=party.balance.closing_fen,
    )


def _manifest(month: Month, party: PartyFigures, header: Header) -> dict[str, Any]:
    balance, signed = party.balance, header.signatures
    return {
        "statement_no": header.statement_no,
        "statement_version": header.statement_version,
        "supersedes_no": header.supersedes_no,
        "status": header.status,
        "party": party.party.party,
        "party_name": party.party.party_name,
        "period": month.period,
        "from_date": header.from_date.isoformat(),
        "to_date": header.to_date.isoformat(),
        "version": header.version,
        "run_key": header.made.run_key,
        "rules_version": header.made.rules_version,
        "code_version": header.made.code_version,
        "is_provisional": header.is_draft,
        "missing_sources": list(header.missing_sources),
        "prepared_by": str(signed.preparer) if signed.preparer else None,
        "reviewed_by": str(signed.reviewer) if signed.reviewer else None,
        "confirmed_by": str(signed.confirmer) if signed.confirmer else None,
        "line_count": party.lines.line_count,
        "opening_fen": balance.opening_fen,
        "receivable_fen": balance.receivable_fen,
        "payable_fen": balance.payable_fen,
        "net_fen": balance.net_fen,
        "payments_fen": balance.payments_fen,
        "closing_fen": balance.closing_fen,
    }


def _missing_sources(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Sources of which a delivery is missing or was refused."""
    rows = connection.execute(
        "select source from fct_source_freshness where is_provisional order by source"
    ).fetchall()
    return tuple(row[0] for row in rows)
