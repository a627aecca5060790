"""What lies between two parties in a month: balances counterparty by counterparty, and payments."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from exports.reader import read_rows

# Two that had nothing to do with each other in the month carry their last closing forward.
BETWEEN = """
    with latest as (
        select *, period_month = $month as is_moved
        from fct_counterparty_balances
        where period_month <= $month
        qualify row_number() over (
            partition by party, counterparty order by period_month desc) = 1
    )
    select
        party as own_party,
        counterparty as party,
        case when is_moved then opening_fen else closing_fen end as opening_fen,
        case when is_moved then receivable_fen else 0 end as receivable_fen,
        case when is_moved then payable_fen else 0 end as payable_fen,
        case when is_moved then receivable_fen - payable_fen else 0 end as net_fen,
        case when is_moved then payments_fen else 0 end as payments_fen,
        closing_fen
    from latest
    where closing_fen <> 0 or is_moved
    order by own_party, party
"""
PAYMENTS = """
    with sides as (
        select *, payer_party as own_party, payee_party as counterparty,
            0 as received_fen, amount_fen as paid_fen
        from fct_settlement_payments where period_month = $month
        union all
        select *, payee_party, payer_party, amount_fen, 0
        from fct_settlement_payments where period_month = $month
    )
    select *, paid_fen - received_fen as payments_fen
    from sides
    order by own_party, paid_date, posted_date, payment_id
"""

Row = dict[str, Any]


def read_between(connection: duckdb.DuckDBPyConnection, month: date) -> list[Row]:
    """Each party (`own_party`) with each counterparty (`party`), in fen from the former's side."""
    return read_rows(connection, BETWEEN, {"month": month})


def read_payments(connection: duckdb.DuckDBPyConnection, month: date) -> list[Row]:
    """Each payment of the month once from its payer's side and once from its payee's."""
    return read_rows(connection, PAYMENTS, {"month": month})


def by_party(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    """Rows that are in the order of `own_party`, party by party."""
    return {party: tuple(own) for party, own in groupby(rows, lambda row: str(row["own_party"]))}
