"""The lines of a statement are in the mart's order, which nothing sorts again."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from exports.catalogue import read_catalogue
from exports.reader import read_marts
from exports.statements.figures import NO_LINES, Balance, Party, PartyFigures
from exports.statements.month import Month, lines_of
from ingest.core.settings import PROJECT
from tests.exports.small_publication import create_statements

OCTOBER = date(2026, 10, 1)
PARTIES = ("brand", "fund", "hotel", "mall", "mall/S1", "mall/S2")
MANY = 300_000  # some row groups of DuckDB, so that several threads have something to read
[MART] = [
    mart for mart in read_marts(PROJECT / "dbt_project") if mart.name == "fct_settlement_lines"
]


@pytest.fixture(scope="module")
def marts() -> duckdb.DuckDBPyConnection:
    """Lines of two months between any two parties, published as publishing does it."""
    database = duckdb.connect(config={"threads": 4})
    for statement in create_statements():
        database.execute(statement)
    parties = list(PARTIES)
    database.execute(
        f"""
        create table posted as
        select
            md5('line' || n) as line_id,
            date '2026-10-01' + (hash(10 * n + 1) % 3)::integer as posted_date,
            date '2026-09-30' + (hash(10 * n + 2) % 3)::integer as business_date,
            date '2026-09-01' + (hash(10 * n + 3) % 2)::integer * interval 1 month as period_month,
            {parties}[(1 + hash(10 * n + 4) % 6)::integer] as payer_party,
            {parties}[(1 + hash(10 * n + 5) % 6)::integer] as payee_party,
            least(payer_party, payee_party) as first_party,
            greatest(payer_party, payee_party) as second_party,
            'R' || hash(10 * n + 6) % 500 as document_no,
            n as amount_fen,
            'sale' as movement_type
        from range({MANY}) as r(n)
        """
    )
    database.execute(
        f"insert into fct_settlement_lines by name select * from posted order by {MART.order_list}"
    )
    return database


def month_of(database: duckdb.DuckDBPyConnection) -> Month:
    known: Any = SimpleNamespace(
        connection=database,
        catalogue=read_catalogue(),
        figures=SimpleNamespace(period_month=OCTOBER),
    )
    return cast(Month, known)


def party_of(code: str) -> PartyFigures:
    others = tuple(Party(other, other.upper()) for other in PARTIES)
    lines = replace(NO_LINES, counterparties=PARTIES)
    return PartyFigures(Party(code, code.upper()), others, Balance(code, 0, 0, 0, 0, 0), (), lines)


@pytest.mark.parametrize("code", PARTIES)
def test_lines_go_counterparty_by_counterparty_and_then_as_they_were_posted(
    marts: duckdb.DuckDBPyConnection, code: str
) -> None:
    lines = marts.sql(lines_of(month_of(marts), party_of(code)))
    rows = lines.project("line_no, line_id").fetchall()
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    own = marts.execute(
        "select line_id from fct_settlement_lines"
        " where period_month = ? and ? in (payer_party, payee_party)"
        " order by case when payer_party = ? then payee_party else payer_party end,"
        " posted_date, business_date, document_no, line_id",
        [OCTOBER, code, code],
    ).fetchall()
    assert [(line,) for _, line in rows] == own
    assert len(rows) > MANY // 8


def test_each_side_of_a_line_is_what_the_party_gets_and_owes(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """Of what a party owes itself, both."""
    lines = marts.sql(lines_of(month_of(marts), party_of("hotel"))).set_alias("lines")
    sums = lines.aggregate(
        "counterparty_name, bool_and(receivable_fen = if(payee_party = 'hotel', amount_fen, 0)),"
        " bool_and(payable_fen = if(payer_party = 'hotel', amount_fen, 0)),"
        " bool_and(net_fen = receivable_fen - payable_fen)"
    ).fetchall()
    assert sorted(sums) == [(code.upper(), True, True, True) for code in PARTIES]
