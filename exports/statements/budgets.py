"""活动预算: what of each campaign's budget was used and is left, as its parties read it."""

from collections.abc import Mapping
from datetime import date, timedelta

import duckdb

from exports.reader import read_rows
from exports.statements.figures import Row

QUERY = """
    select business, programme_name, funder_party, rest_party, valid_from_date, valid_until_date,
        budget_fen, used_fen, used_to_date_fen, left_fen, exceeded_fen, given_back_to_date_fen
    from fct_campaign_budgets
    where period_month = $month
    order by valid_from_date, programme, funder_party
"""
NEVER = date(9999, 12, 31)


def read_budgets(connection: duckdb.DuckDBPyConnection, month: date) -> tuple[Row, ...]:
    """Every budget that had begun by the end of a month, given by its first day."""
    return tuple(read_rows(connection, QUERY, {"month": month}))


def budgets_of(rows: tuple[Row, ...], party: str, names: Mapping[str, str]) -> list[Row]:
    """Those of which a party is the funder, bears what is beyond, or takes the vouchers."""
    return [
        {
            **row,
            "funder_name": names.get(row["funder_party"], row["funder_party"]),
            "rest_name": names.get(row["rest_party"], row["rest_party"]),
            "last_date": _last(row["valid_until_date"]),
        }
        for row in rows
        if party in (row["funder_party"], row["rest_party"], row["business"])
    ]


def _last(until: date) -> date | None:
    return None if until == NEVER else until - timedelta(days=1)
