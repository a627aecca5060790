"""Whatever happens to points, and in whatever order it is told: who paid for them adds up.

The lives of test_order_of_arrival.py under three fundings at once: the mall's points are paid for
by the pool until 5 November and in two parts from the 6th on, the hotel's in two others, the
mini-program's at redemption; mall and mini-program are one legal entity. Points last one month. A
point costs 1 fen, so that every sum below is exact.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from tests.ingest.rule_books import change
from tests.pipeline.model_nights import PROJECT, Models, Nights, compile_models
from tests.pipeline.test_funding import SAID
from tests.pipeline.test_order_of_arrival import LAST, MOVED, SIGN, run, some_order, some_pieces

FUNDING = f"""funding_exceptions:
  - issuer_business: mall
    funding:
      - {{from: 2024-01-01, value: {{mode: pool}}, {SAID}}}
      - from: 2026-11-06
        value: {{mode: hybrid, deposit_percent: 40, returned_percent: 50}}
        source: Sheet
        approved_by: Somebody
  - issuer_business: miniprogram
    funding:
      - {{from: 2024-01-01, value: {{mode: bilateral}}, {SAID}}}
  - issuer_business: hotel
    funding:
      - from: 2024-01-01
        value: {{mode: hybrid, deposit_percent: 35, returned_percent: 100}}
        source: Sheet
        approved_by: Somebody

"""
SETTLED = f"""
    select activity_id, lot_id, movement_type, business_date, rule_id, unit_price_micro_fen,
        case when is_reversal then payee_party else payer_party end as payer,
        case when is_reversal then payer_party else payee_party end as payee,
        sum(points * {SIGN})::bigint as sum_points
    from lines group by all having sum_points <> 0 order by all
"""
# Of each lot what its issuer had deposited of a point, and what goes back when one lapses.
LOTS = """
    create table lots as
    select lot_id, arg_max(issuer_business, posted_date) as issuer_business,
        case
            when issuer_business = 'miniprogram' then 0
            when issuer_business = 'hotel' then 35
            when arg_max(price_date, posted_date) >= date '2026-11-06' then 40
            else 100
        end as deposit,
        case issuer_business when 'hotel' then 100 else 50 end as returned
    from entries
    where entry_type = 'accrual' and not is_reversal
    group by lot_id, issuer_business
"""
# Hundredths of a fen. A point that is held has its deposit in the fund, a lapsed one what did not
# go back; a debt is what the fund has paid and not got back.
FUND = f"""
    select
        (select sum(
            case when payee_party = 'fund' then 1 when payer_party = 'fund' then -1 else 0 end
            * points * unit_price_micro_fen) // 10000 from lines)::bigint as in_fund,
        (select sum(points * {SIGN} * case
            when entry_type in ('accrual', 'restore') then deposit
            when entry_type in ('redemption', 'claw_back') then -deposit
            when entry_type = 'debt_repayment' then -deposit
            when entry_type = 'expiry' and deposit < 100 then -deposit * returned // 100
            else 0 end) from entries inner join lots using (lot_id))::bigint as deposits,
        (select 100 * sum(points * {SIGN} * case
            when entry_type in ('redemption_debt', 'claw_back_debt') then -1
            when entry_type in ('restore_debt', 'debt_repayment') then 1
            else 0 end) from entries)::bigint as debts
"""
# Who takes a point is paid 1 fen in all, by the fund or by whoever issued it, unless it is its own.
TAKEN = f"""
    with paid as (
        select lot_id, activity_id, sum(points * {SIGN} * unit_price_micro_fen)::bigint as micro_fen
        from lines where movement_type in ('redemption', 'redemption_top_up') group by all
    ),
    taken as (
        select lot_id, activity_id, entries.issuer_business, redeemer_business, deposit,
            sum(points * {SIGN})::bigint as taken_points
        from entries inner join lots using (lot_id) where entry_type = 'redemption' group by all
    )
    select issuer_business, redeemer_business, deposit, taken_points, coalesce(micro_fen, 0)
    from taken left join paid using (lot_id, activity_id)
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return compile_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    books = Path(shutil.copytree(PROJECT / "rules", tmp_path_factory.mktemp("books") / "rules"))
    book = books / "programme" / "settlement.yml"
    said = book.read_text(encoding="utf-8")
    told = re.sub(r"funding_exceptions:.*?\n\n", FUNDING, said, flags=re.DOTALL)
    book.write_text(told, encoding="utf-8")
    change(books / "programme" / "points.yml", "months: 12}, s", "months: 1}, s")
    tables = compile_rules(load_rule_books(books, PROJECT))
    code = "unified_social_credit_code"
    own = tables["businesses"].to_pylist()
    mall = next(row[code] for row in own if row["business"] == "mall")
    for row in own:
        row[code] = mall if row["business"] == "miniprogram" else row[code]
    return {
        **tables,
        "businesses": pa.Table.from_pylist(own, tables["businesses"].schema),
    }


def posted(nights: Nights) -> duckdb.DuckDBPyConnection:
    """What all nights posted: entries, lines, and the terms of each lot."""
    connection = duckdb.connect()
    connection.register("entries", nights.posted("points_entries"))
    connection.register("lines", nights.posted("settlement_lines"))
    connection.execute(LOTS)
    return connection


@pytest.fixture(scope="module")
def lives(
    models: Models, rules: Mapping[str, pa.Table], tmp_path_factory: pytest.TempPathFactory
) -> list[Nights]:
    """The same pieces told in one night, and in two orders of chance."""
    pieces = some_pieces(np.random.default_rng(26), 160)
    orders = [some_order(np.random.default_rng(seed), pieces) for seed in range(2)]
    once = ({LAST: pieces}, dict.fromkeys(MOVED, LAST))
    return [
        run(models, rules, tmp_path_factory.mktemp("told"), *order) for order in (once, *orders)
    ]


def found(nights: Nights, sql: str) -> list[tuple[Any, ...]]:
    with posted(nights) as connection:
        return connection.execute(sql).fetchall()


def test_the_lives_hold_every_movement_that_funding_knows(lives: list[Nights]) -> None:
    """Otherwise the laws below would prove little."""
    movements = {name for (name,) in found(lives[0], "select distinct movement_type from lines")}
    assert movements >= {
        *("accrual", "claw_back", "debt_repayment", "deposit_return", "redemption", "restore"),
        *("claw_back_top_up", "redemption_top_up", "restore_top_up"),
    }
    modes = found(lives[0], "select distinct deposit from lots order by 1")
    assert modes == [(0,), (35,), (40,), (100,)]


def test_any_order_of_arrival_settles_the_same(lives: list[Nights]) -> None:
    once, *told = (found(nights, SETTLED) for nights in lives)
    for lines in told:
        assert lines == once


def test_the_fund_holds_the_deposits_of_what_is_held_or_lapsed_less_what_members_owe(
    lives: list[Nights],
) -> None:
    for nights in lives:
        [(in_fund, deposits, debts)] = found(nights, FUND)
        # A repayment moves a lot's deposit to the debt it repays, and adds what was missing.
        assert in_fund == deposits + debts
        assert deposits != 0
        assert debts != 0


def test_whoever_takes_points_is_paid_in_full_but_for_those_of_its_own_entity(
    lives: list[Nights],
) -> None:
    one = {"mall": "A", "miniprogram": "A", "hotel": "B"}
    for nights in lives:
        taken = found(nights, TAKEN)
        assert any(one[issuer] == one[redeemer] for issuer, redeemer, *_ in taken)
        for issuer, redeemer, deposit, points, micro_fen in taken:
            share = deposit if one[issuer] == one[redeemer] else 100
            assert micro_fen == points * share * 10_000, (issuer, redeemer, deposit)
