"""What the packs of one month are written from: its figures, and each party's lines."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from exports.catalogue import Catalogue, ExportColumn
from exports.folder import file_name
from exports.months import month_text
from exports.reader import sql_name, sql_text
from exports.statements.adjustments import numbers_by_month, read_adjustments
from exports.statements.budgets import read_budgets
from exports.statements.checks import check_month
from exports.statements.exceptions import read_exceptions
from exports.statements.figures import MonthFigures, MonthReader, PartyFigures, Row
from exports.statements.packs import pack_folder
from exports.statements.provenance import Before, statements_before
from ingest.core.lake import Lake

# Documents of the lines that are printed, once for all parties: activities are many.
DOCUMENTS = """
    create or replace temp table month_documents as
    select activity_id, document_no, unit_id, paid_fen as order_fen
    from fct_activities
    where activity_id in (
        select activity_id from fct_settlement_lines
        where period_month = $month
            and (list_contains($parties, payer_party) or list_contains($parties, payee_party))
    )
"""


@dataclass(frozen=True)
class Month:
    """A version of a month, its figures, and what is late or waits in it. `through` is the last
    night whose lines count; `before` are the statements to which these are chained, by party.
    """

    lake: Lake
    connection: duckdb.DuckDBPyConnection
    catalogue: Catalogue
    figures: MonthFigures
    version: int
    through: date
    adjustments: tuple[Row, ...]
    exceptions: tuple[Row, ...]
    budgets: tuple[Row, ...]
    numbers: dict[tuple[str, date], str]
    before: dict[str, Before]

    @property
    def period(self) -> str:
        """The month as YYYY-MM."""
        return month_text(self.figures.period_month)

    def folder(self, party: PartyFigures) -> Path:
        """Where one party's statement goes."""
        return pack_folder(self.lake, self.period, self.version, party.party.party)

    def name(self, party: PartyFigures, status: str) -> str:
        """What the files of one party's statement are called, after 结算单_ or 明细_."""
        version = "" if self.version == 1 else f"-v{self.version}"
        return f"{file_name(party.party.party_name)}_{self.period}{version}_{status}"

    @property
    def missing_sources(self) -> tuple[str, ...]:
        """Sources of which the month lacks a delivery, as 差异与悬账 lists them."""
        missing = (row for row in self.exceptions if row["reason"] == "missing_delivery")
        return tuple(sorted({row["detail"] for row in missing}))

    def exceptions_of(self, party: str) -> list[Row]:
        """What waits at one business, of one merchant or in one suspense account; the fund sees all
        of it.
        """
        return [row for row in self.exceptions if party in ("fund", *_concerned(row))]


def _concerned(row: Row) -> Iterator[str]:
    """The parties that an exception concerns besides the fund."""
    yield row["business"]
    if row["merchant_id"]:
        yield f"{row['business']}/{row['merchant_id']}"
    if row["reason"] == "suspense":
        yield f"suspense/{row['business']}"


def read_month(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    month: date,
    version: int,
    through: date,
    cutoff: date,
    most_lines: int | None = None,
    kinds: Collection[str] | None = None,
) -> Month:
    """Read a month and check that it foots; ages of exceptions are as of `cutoff`. Lines of a party
    with more than `most_lines`, or not of one of the `kinds`, will not be printed.
    """
    figures = MonthReader(connection, month, catalogue).read()
    check_month(figures)
    printed = [
        party.party.party
        for party in figures.parties
        if (most_lines is None or party.lines.line_count <= most_lines)
        and (kinds is None or party.party.party_kind in kinds)
    ]
    connection.execute(DOCUMENTS, {"month": month, "parties": printed})
    return Month(
        lake=lake,
        connection=connection,
        catalogue=catalogue,
        figures=figures,
        version=version,
        through=through,
        adjustments=read_adjustments(lake, connection, month),
        exceptions=read_exceptions(connection, month, through, cutoff),
        budgets=read_budgets(connection, month),
        numbers=numbers_by_month(lake),
        before=statements_before(lake, month_text(month), version),
    )


def lines_of(month: Month, party: str) -> str:
    """A query for a party's lines of the month, numbered and in order; receivable and payable are
    from its side. Payers and payees are asked for apart: lines lie party by party, and DuckDB skips
    those of others by one column at a time. Lines are sorted once; numbers follow that order.
    """
    names, treatments = (
        " ".join(
            f"when {sql_text(code)} then {sql_text(name)}"
            for code, name in month.catalogue.names[field].items()
        )
        for field in ("movement_type", "tax_treatment")
    )
    own, period = sql_text(party), f"date '{month.figures.period_month}'"
    return f"""
        with sides as (
            select
                *,
                case when payee_party = {own} then amount_fen else 0 end as receivable_fen,
                case when payer_party = {own} then amount_fen else 0 end as payable_fen,
                case when payee_party = {own} then payer_party else payee_party end
                    as counterparty
            from (
                select * from fct_settlement_lines
                where period_month = {period} and payer_party = {own}
                union all
                select * from fct_settlement_lines
                where period_month = {period} and payee_party = {own} and payer_party <> {own}
            )
        ),
        in_order as (
            select
                sides.*,
                receivable_fen - payable_fen as net_fen,
                case when payee_party = {own} then ex_tax_fen else -ex_tax_fen end
                    as net_ex_tax_fen,
                case when payee_party = {own} then tax_fen else -tax_fen end as net_tax_fen,
                case tax_treatment {treatments} else tax_treatment end as tax_treatment_name,
                case movement_type {names} else movement_type end as movement_name,
                coalesce(dim_parties.party_name, counterparty) as counterparty_name,
                documents.document_no,
                documents.unit_id,
                documents.order_fen
            from sides
            left join dim_parties on counterparty = dim_parties.party
            left join month_documents as documents on sides.activity_id = documents.activity_id
            order by posted_date, business_date, document_no, line_id
        )
        select row_number() over () as line_no, * from in_order
    """


def keep_lines(
    connection: duckdb.DuckDBPyConnection, lines: str, columns: Sequence[ExportColumn]
) -> str:
    """Put the printed columns of numbered lines into the table `party_lines`, for who reads them
    twice; a query for them.
    """
    selected = ", ".join(sql_name(column.column) for column in columns)
    connection.execute(
        f"create or replace temp table party_lines as select {selected} from ({lines})"
    )
    return "select * from party_lines"
