"""The figures of one month's statements, read from the published marts.

All money is integer fen. A party's receivable is what others owe it, its payable what it owes them;
net is receivable minus payable, so that 应收 is positive for the statement's owner.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from exports.catalogue import Catalogue
from exports.reader import read_rows
from exports.statements.between import by_party, read_between, read_payments
from exports.statements.liability import Liability, read_liability

Row = dict[str, Any]


@dataclass(frozen=True)
class Party:
    """Somebody who settles, as a legal entity: a business, the fund, a merchant, suspense."""

    party: str
    party_name: str
    party_kind: str = "business"
    legal_entity_name: str | None = None
    unified_social_credit_code: str | None = None

    @property
    def entity(self) -> str:
        """The legal entity, or the party's own name where none is registered (the fund)."""
        return self.legal_entity_name or self.party_name

    @property
    def statement_name(self) -> str:
        """What its statement is called: a merchant's is of goods, not of points."""
        return "商户结算单" if self.party_kind == "merchant" else "结算单"


@dataclass(frozen=True)
class Balance:
    """One party's month, in fen; `payments_fen` is what it paid less what it was paid."""

    party: str
    opening_fen: int
    receivable_fen: int
    payable_fen: int
    payments_fen: int
    closing_fen: int

    @property
    def net_fen(self) -> int:
        """What the month adds to what the party is owed."""
        return self.receivable_fen - self.payable_fen


@dataclass(frozen=True)
class LineTotals:
    """Facts about a party's lines that the cover prints."""

    line_count: int
    first_business_date: date | None
    last_business_date: date | None
    rounding_micro_fen: int
    rule_ids: tuple[str, ...]
    counterparties: tuple[str, ...]


NO_LINES = LineTotals(0, None, None, 0, (), ())


@dataclass(frozen=True)
class PartyFigures:
    """Everything that one party's statement says about itself. `between` has its balances
    counterparty by counterparty, `payments` what was paid in the month.
    """

    party: Party
    counterparties: tuple[Party, ...]
    balance: Balance
    summary: tuple[Row, ...]
    lines: LineTotals
    between: tuple[Row, ...] = ()
    payments: tuple[Row, ...] = ()


@dataclass(frozen=True)
class MonthFigures:
    """One month of every party.

    `matrix` has points and fen of each issuer and redeemer, `redeemed` those of the lines;
    `businesses` maps a code to its name.
    """

    period_month: date
    parties: tuple[PartyFigures, ...]
    previous_closing_fen: dict[str, int]
    liability: Liability
    matrix: tuple[Row, ...]
    redeemed: Row
    businesses: dict[str, str]

    @property
    def balances(self) -> tuple[Balance, ...]:
        """The month of every party."""
        return tuple(figures.balance for figures in self.parties)


class MonthReader:
    """Reads the figures of one month."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, period_month: date, catalogue: Catalogue
    ) -> None:
        self._connection = connection
        self._month = period_month
        self._catalogue = catalogue

    def read(self) -> MonthFigures:
        """Figures of every party, businesses first, the fund last. Nothing is checked yet."""
        balances, summaries, lines = self._balances(), self._summaries(), self._line_totals()
        between = by_party(read_between(self._connection, self._month))
        payments = by_party(read_payments(self._connection, self._month))
        parties = [
            Party(**row)
            for row in self._rows(
                "select party, party_name, party_kind, legal_entity_name,"
                " unified_social_credit_code from dim_parties order by party = 'fund', party"
            )
        ]
        by_code = {party.party: party for party in parties}
        return MonthFigures(
            period_month=self._month,
            parties=tuple(
                PartyFigures(
                    party=party,
                    counterparties=tuple(
                        by_code.get(code, Party(code, code))
                        for code in lines.get(party.party, NO_LINES).counterparties
                    ),
                    balance=balances.get(party.party, Balance(party.party, 0, 0, 0, 0, 0)),
                    summary=tuple(summaries.get(party.party, ())),
                    lines=lines.get(party.party, NO_LINES),
                    between=between.get(party.party, ()),
                    payments=payments.get(party.party, ()),
                )
                for party in parties
            ),
            previous_closing_fen=self._previous_closing_fen(),
            liability=read_liability(self._connection, self._month),
            matrix=tuple(self._matrix()),
            redeemed=self._redeemed(),
            businesses={
                row["business"]: row["business_name"]
                for row in self._rows(
                    "select business, business_name from dim_businesses order by business"
                )
            },
        )

    def _rows(self, sql: str) -> list[Row]:
        """Rows of a query as dictionaries; `$month` in it is the first day of the month."""
        values = {"month": self._month} if "$month" in sql else None
        return read_rows(self._connection, sql, values)

    def _balances(self) -> dict[str, Balance]:
        """Balances by party; one without movement carries its last closing forward."""
        rows = self._rows("""
            select
                party,
                case when period_month = $month then opening_fen else closing_fen end
                    as opening_fen,
                case when period_month = $month then receivable_fen else 0 end as receivable_fen,
                case when period_month = $month then payable_fen else 0 end as payable_fen,
                case when period_month = $month then payments_fen else 0 end as payments_fen,
                closing_fen
            from fct_settlement_balances
            where period_month <= $month
            qualify row_number() over (partition by party order by period_month desc) = 1
        """)
        return {row["party"]: Balance(**row) for row in rows}

    def _previous_closing_fen(self) -> dict[str, int]:
        """What each party closed with before this month."""
        rows = self._rows("""
            select party, closing_fen
            from fct_settlement_balances
            where period_month < $month
            qualify row_number() over (partition by party order by period_month desc) = 1
        """)
        return {row["party"]: row["closing_fen"] for row in rows}

    def _summaries(self) -> dict[str, list[Row]]:
        """By party: a row a movement, summed from its lines, beside what the mart states."""
        rows = self._rows("""
            with sides as (
                select payee_party as party, movement_type, is_reversal,
                    points as receivable_points, 0 as payable_points,
                    amount_fen as receivable_fen, 0 as payable_fen, tax_fen as tax_fen,
                    tax_treatment, tax_per_mille
                from fct_settlement_lines where period_month = $month
                union all
                select payer_party, movement_type, is_reversal, 0, points, 0, amount_fen, -tax_fen,
                    tax_treatment, tax_per_mille
                from fct_settlement_lines where period_month = $month
            ),
            summed as (
                select
                    party,
                    movement_type,
                    count(*) as line_count,
                    count(*) filter (where is_reversal) as reversal_count,
                    sum(receivable_points)::bigint as receivable_points,
                    sum(payable_points)::bigint as payable_points,
                    sum(receivable_fen)::bigint as receivable_fen,
                    sum(payable_fen)::bigint as payable_fen,
                    sum(tax_fen)::bigint as net_tax_fen,
                    list_sort(list(distinct (tax_treatment, tax_per_mille))) as taxes
                from sides
                group by party, movement_type
            ),
            stated as (
                select
                    party,
                    movement_type,
                    line_count as stated_line_count,
                    receivable_fen as stated_receivable_fen,
                    payable_fen as stated_payable_fen,
                    net_fen as stated_net_fen,
                    net_tax_fen as stated_net_tax_fen
                from fct_settlement_statements where period_month = $month
            )
            select
                *,
                receivable_fen - payable_fen as net_fen,
                receivable_fen - payable_fen - net_tax_fen as net_ex_tax_fen
            from summed full join stated using (party, movement_type)
            order by party, movement_type
        """)
        order = {code: index for index, code in enumerate(self._catalogue.names["movement_type"])}
        summaries: dict[str, list[Row]] = {}
        for row in sorted(rows, key=lambda row: order.get(row["movement_type"], len(order))):
            row["movement_name"] = self._catalogue.label("movement_type", row["movement_type"])
            row["tax_rates"] = self._tax_rates(row.pop("taxes") or [])
            summaries.setdefault(row["party"], []).append(row)
        return summaries

    def _tax_rates(self, taxes: list[tuple[str, int]]) -> str:
        """Each rate of a movement's lines, or the treatment where there is no tax."""
        rates = (
            f"{per_mille / 10:g}%"
            if per_mille
            else self._catalogue.label("tax_treatment", treatment)
            for treatment, per_mille in taxes
        )
        return "、".join(dict.fromkeys(rates))

    def _line_totals(self) -> dict[str, LineTotals]:
        """Facts about each party's lines. A line may cite several rules, divided by a space."""
        rows = self._rows("""
            with lines as (
                select * from fct_settlement_lines where period_month = $month
            ),
            sides as (
                select payee_party as party, payer_party as other, * from lines
                union all
                select payer_party, payee_party, * from lines
            )
            select
                party,
                count(*) as line_count,
                min(business_date) as first_business_date,
                max(business_date) as last_business_date,
                sum(rounding_micro_fen)::bigint as rounding_micro_fen,
                list(distinct rule_id) filter (where rule_id is not null) as rule_ids,
                list(distinct other) as counterparties
            from sides
            group by party
        """)
        totals = {}
        for row in rows:
            cited = {rule for rule_ids in row["rule_ids"] or () for rule in rule_ids.split()}
            row["rule_ids"] = tuple(sorted(cited))
            row["counterparties"] = tuple(sorted(row["counterparties"]))
            party = row.pop("party")
            totals[party] = LineTotals(**row)
        return totals

    def _matrix(self) -> list[Row]:
        return self._rows("""
            select issuer_business, redeemer_business, points, amount_fen as fen
            from fct_settlement_matrix where period_month = $month
            order by issuer_business, redeemer_business
        """)

    def _redeemed(self) -> Row:
        """Points and fen of redemptions less returns, from the lines; a top-up carries the points
        of the line beside it.
        """
        [row] = self._rows("""
            with signed as (
                select
                    case when (movement_type like 'redemption%') <> is_reversal then 1 else -1 end
                        as sign,
                    case when movement_type like '%_top_up' then 0 else points end as points,
                    amount_fen
                from fct_settlement_lines
                where period_month = $month
                    and (movement_type like 'redemption%' or movement_type like 'restore%')
            )
            select
                coalesce(sum(sign * points), 0)::bigint as points,
                coalesce(sum(sign * amount_fen), 0)::bigint as fen
            from signed
        """)
        return row
