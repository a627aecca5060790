"""What the packs of one month are written from: its figures, and each party's lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from exports.catalogue import Catalogue
from exports.folder import file_name
from exports.months import month_text
from exports.reader import sql_text
from exports.statements.adjustments import numbers_by_month, read_adjustments
from exports.statements.budgets import read_budgets
from exports.statements.checks import check_month
from exports.statements.exceptions import read_exceptions
from exports.statements.figures import MonthFigures, MonthReader, PartyFigures, Row
from exports.statements.packs import pack_folder
from exports.statements.provenance import Before, statements_before
from ingest.core.lake import Lake

CODES = ("movement_type", "reversal_reason", "tax_treatment")  # of lines, shown by their names


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
) -> Month:
    """Read a month and check that it foots; ages of exceptions are as of `cutoff`."""
    figures = MonthReader(connection, month, catalogue).read()
    check_month(figures)
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


def lines_of(month: Month, party: PartyFigures) -> str:
    """A query for a party's lines of the month, numbered and in order: counterparty by counterparty
    (by code), then as they were posted. Receivable and payable are from its side.

    The mart lies in this order: all between two parties together, the one whose code is the first
    of the two before the other. So nothing is sorted, and of others' lines DuckDB reads next to
    nothing; it keeps the order of rows for a filter, UNION ALL and a window over nothing.
    """
    own, period = sql_text(party.party.party), f"date '{month.figures.period_month}'"
    named = {other.party: other.party_name for other in (party.party, *party.counterparties)}
    shown = {code: _named(code, month.catalogue.names[code]) for code in CODES}
    return f"""
        with lines as (
            select * from fct_settlement_lines
            where period_month = {period} and second_party = {own} and first_party <> {own}
            union all
            select * from fct_settlement_lines
            where period_month = {period} and first_party = {own}
        ),
        sides as (
            select
                *,
                case when first_party = {own} then second_party else first_party end
                    as counterparty,
                case when payee_party = {own} then amount_fen else 0 end as receivable_fen,
                case when payer_party = {own} then amount_fen else 0 end as payable_fen,
                case when payee_party = {own} then ex_tax_fen else -ex_tax_fen end
                    as net_ex_tax_fen,
                case when payee_party = {own} then tax_fen else -tax_fen end as net_tax_fen
            from lines
        )
        select
            row_number() over () as line_no,
            *,
            receivable_fen - payable_fen as net_fen,
            {shown["movement_type"]} as movement_name,
            {shown["reversal_reason"]} as reversal_reason_name,
            {shown["tax_treatment"]} as tax_treatment_name,
            {_named("counterparty", named)} as counterparty_name
        from sides
    """


def _named(column: str, names: Mapping[str, str]) -> str:
    """SQL of what people call a code; one without a name stays as it is."""
    whens = (f"when {sql_text(code)} then {sql_text(name)}" for code, name in names.items())
    return f"case {column} {' '.join(whens)} else {column} end"
