"""Laws of payments on lines and payments of chance: balances are what became due and what was paid,
nothing is lost, and nothing is paid twice.

The project's own SQL from lines and the journal to balances and payouts, without dbt.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipeline.nights import must_run

MODELS = (
    "fct_settlement_payments",
    "int_payment_sides",
    "int_settlement_sides",
    "fct_settlement_statements",
    "fct_settlement_balances",
    "fct_counterparty_balances",
    "int_i3_settlement_sums_to_zero",
    "int_payout_terms",
    "fct_payouts_due",
)
PARTIES = ("mall", "fund", "mall/D", "mall/W", "mall/H", "mall/M")
FIRST, LAST, GRACE = date(2026, 10, 5), date(2026, 12, 31), 3
DAYS = (LAST - FIRST).days
MINIMUM = 5_000  # fen, of every contract
CYCLES = {"D": "daily", "W": "weekly", "H": "half_monthly", "M": "monthly"}
DAY = timedelta(days=1)

TEXT, WHOLE, DATE, FLAG = pa.string(), pa.int64(), pa.date32(), pa.bool_()
LINES = pa.schema(
    [
        *((name, TEXT) for name in ("line_id", "movement_type", "payer_party", "payee_party")),
        *((name, DATE) for name in ("posted_date", "period_month")),
        *((name, WHOLE) for name in ("points", "amount_fen", "tax_fen")),
    ]
)
JOURNAL = pa.schema(
    [
        *((name, TEXT) for name in ("payment_id", "bank_reference", "payer_party", "payee_party")),
        *((name, TEXT) for name in ("recorded_by", "note", "source_file")),
        *((name, DATE) for name in ("paid_date", "posted_date", "origin_month")),
        *((name, WHOLE) for name in ("amount_fen", "source_row")),
        ("is_reversal", FLAG),
    ]
)
CONTRACTS = pa.Table.from_pylist(
    [
        {
            "rule_id": merchant,
            "business": "mall",
            "merchant_id": merchant,
            "category": None,
            "settlement_cycle": cycle,
            "minimum_payout_fen": MINIMUM,
            "valid_from_date": date(2024, 1, 1),
            "valid_until_date": date(9999, 12, 31),
        }
        for merchant, cycle in CYCLES.items()
    ],
    pa.schema(
        [
            *((name, TEXT) for name in ("rule_id", "business", "merchant_id", "category")),
            ("settlement_cycle", TEXT),
            ("minimum_payout_fen", WHOLE),
            ("valid_from_date", DATE),
            ("valid_until_date", DATE),
        ]
    ),
)
MERCHANTS = pa.table(
    {
        "party": [f"mall/{each}" for each in CYCLES],
        "business": ["mall"] * len(CYCLES),
        "merchant_id": list(CYCLES),
        "party_kind": ["merchant"] * len(CYCLES),
        "party_name": list(CYCLES),
    }
)
NO_MASTERS = pa.schema([(name, TEXT) for name in ("business", "merchant_id", "category")])
TERMS = pa.table(
    {
        "grace_days": [GRACE],
        "valid_from_date": [date(2024, 1, 1)],
        "valid_until_date": [date(9999, 12, 31)],
    }
)
NO_RESTATED = pa.schema([("restated_month", DATE), ("posted_through_date", DATE)])


@dataclass(frozen=True)
class Moved:
    """A line or a payment: posted in a night, of a day up to it; `fen` from payer to payee."""

    posted: date
    own: date
    payer: str
    payee: str
    fen: int

    @property
    def month(self) -> date:
        """The month for which it counts, worked out by the calendar."""
        grace_ends = (self.own.replace(day=28) + 4 * DAY).replace(day=1) + (GRACE - 1) * DAY
        return (self.own if self.posted <= grace_ends else self.posted).replace(day=1)


def moved(payers: Iterable[str], payees: Iterable[str]) -> st.SearchStrategy[Moved]:
    """A movement of chance between two parties, some of it late."""
    pairs = [(payer, payee) for payer in payers for payee in payees if payer != payee]
    return st.builds(
        lambda after, late, pair, fen: Moved(
            FIRST + after * DAY, FIRST + max(after - late, 0) * DAY, *pair, fen
        ),
        st.integers(0, DAYS),
        st.integers(0, 40),
        st.sampled_from(pairs),
        st.integers(1, 20_000),
    )


def line_table(lines: list[Moved]) -> pa.Table:
    rows = [
        {
            "line_id": f"l{number}",
            "movement_type": "sale",
            "payer_party": each.payer,
            "payee_party": each.payee,
            "posted_date": each.posted,
            "period_month": each.month,
            "points": 0,
            "amount_fen": each.fen,
            "tax_fen": 0,
        }
        for number, each in enumerate(lines)
    ]
    return pa.Table.from_pylist(rows, LINES)


def journal_table(payments: list[Moved]) -> pa.Table:
    rows = [
        {
            "payment_id": f"p{number}#1",
            "bank_reference": f"p{number}",
            "payer_party": each.payer,
            "payee_party": each.payee,
            "paid_date": each.own,
            "posted_date": each.posted,
            "origin_month": each.own.replace(day=1),
            "amount_fen": each.fen,
            "is_reversal": False,
            "recorded_by": "陈静",
            "note": "",
        }
        for number, each in enumerate(payments)
    ]
    return pa.Table.from_pylist(rows, JOURNAL)


Rows = list[dict[str, Any]]
Asked = Callable[[date, list[Moved], list[Moved]], dict[str, Rows]]
READ = (
    "fct_settlement_balances",
    "fct_counterparty_balances",
    "int_i3_settlement_sums_to_zero",
    "fct_payouts_due",
)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """What a night's models say by name, given its lines and payments."""
    lake = tmp_path_factory.mktemp("models") / "lake"
    compiling = ("dags", "dbt", "compile", "--quiet", "--no-introspect", "--select")
    must_run(lake, *compiling, *MODELS)
    found = {path.stem: path for path in (lake / "work" / "dbt" / "compiled").rglob("*.sql")}
    sql = {name: found[name].read_text(encoding="utf-8") for name in MODELS}

    def asked(night: date, lines: list[Moved], payments: list[Moved]) -> dict[str, Rows]:
        given_tables = {
            "fct_settlement_lines": line_table([x for x in lines if x.posted <= night]),
            "int_recorded_payments": journal_table([x for x in payments if x.posted <= night]),
            "dim_parties": pa.table({"party": PARTIES}),
            "int_tonight": pa.table({"business_date": [night]}),
            "int_rules__close_terms": TERMS,
            "int_restated_months": NO_RESTATED.empty_table(),
            "int_rules__merchant_contracts": CONTRACTS,
            "int_merchant_parties": MERCHANTS,
            "dim_merchants": NO_MASTERS.empty_table(),
        }
        with duckdb.connect() as work:
            work.execute("set threads = 1; attach ':memory:' as onemember; use onemember")
            for name, table in given_tables.items():
                work.register("loading", table)
                work.execute(f"create table {name} as select * from loading")
            for name, model in sql.items():
                work.execute(f"create table {name} as {model}")
            return {name: work.table(name).to_arrow_table().to_pylist() for name in READ}

    return asked


ANY = moved(PARTIES, PARTIES)
SLOWLY = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]


@settings(max_examples=40, deadline=None, suppress_health_check=SLOWLY)
@given(st.lists(ANY, min_size=1, max_size=12), st.lists(ANY, max_size=12))
def test_balances_are_the_sums_of_what_became_due_and_what_was_paid_whatever_the_order(
    ask: Asked, lines: list[Moved], payments: list[Moved]
) -> None:
    between: dict[tuple[date, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for place, sign, all_moved in ((0, 1, lines), (1, -1, payments)):
        for each in all_moved:
            between[each.month, each.payee, each.payer][place] += sign * each.fen
            between[each.month, each.payer, each.payee][place] -= sign * each.fen
    months = sorted({month for month, _, _ in between})
    pairs = {(party, other) for _, party, other in between}

    def upto(month: date, party: str, other: str | None) -> int:
        return sum(
            sum(fen)
            for (at, own, across), fen in between.items()
            if at <= month and own == party and other in (None, across)
        )

    found = ask(LAST, lines, payments)
    said = found["fct_settlement_balances"]
    assert {(row["period_month"], row["party"]): row["closing_fen"] for row in said} == {
        (month, party): upto(month, party, None) for month in months for party in PARTIES
    }
    for row in said:
        net = row["receivable_fen"] - row["payable_fen"]
        assert row["opening_fen"] + net + row["payments_fen"] == row["closing_fen"]
        paid = [
            fen[1]
            for (at, own, _), fen in between.items()
            if (at, own) == (row["period_month"], row["party"])
        ]
        assert row["payments_fen"] == sum(paid)
    of_two = found["fct_counterparty_balances"]
    closings = {
        (row["party"], row["counterparty"]): row["closing_fen"]
        for row in of_two
        if row["period_month"] == months[-1]
    }
    assert closings == {(own, across): upto(months[-1], own, across) for own, across in pairs}
    assert all(closings[across, own] == -fen for (own, across), fen in closings.items())
    [held] = found["int_i3_settlement_sums_to_zero"]
    assert held["violation_count"] == 0


MERCHANT_LINES = st.lists(
    st.one_of(
        moved(("mall", "fund"), [f"mall/{each}" for each in CYCLES]),
        moved([f"mall/{each}" for each in CYCLES], ("mall",)),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=SLOWLY)
@given(MERCHANT_LINES, st.lists(st.integers(0, DAYS), min_size=1, max_size=4), st.data())
def test_whoever_pays_what_is_proposed_pays_all_that_is_due_and_nothing_twice(
    ask: Asked, lines: list[Moved], nights: list[int], data: st.DataObject
) -> None:
    payments: list[Moved] = []
    for night in sorted({FIRST + after * DAY for after in nights} | {LAST}):
        proposed = ask(night, lines, payments)["fct_payouts_due"]
        owed: dict[tuple[str, str], int] = defaultdict(int)
        for each in [x for x in lines if x.posted <= night]:
            owed[each.payer, each.payee] += each.fen
            owed[each.payee, each.payer] -= each.fen
        for each in payments:
            owed[each.payer, each.payee] -= each.fen
        for row in proposed:
            parts = row["payout_fen"] + row["held_fen"] + row["not_yet_due_fen"]
            assert parts == row["balance_fen"] == owed[row["payer_party"], row["payee_party"]]
            assert row["payout_fen"] == 0 or row["payout_fen"] >= MINIMUM
            assert (row["held_reason"] is None) == (row["held_fen"] == 0)
        listed = {(row["payer_party"], row["payee_party"]) for row in proposed}
        unlisted = {pair for pair, fen in owed.items() if fen and pair[1].startswith("mall/")}
        assert unlisted <= listed
        for row in proposed:
            if row["payout_fen"] and data.draw(st.booleans(), label="paid"):
                names = row["payer_party"], row["payee_party"]
                payments.append(Moved(night, night, *names, row["payout_fen"]))
                assert owed[names] - row["payout_fen"] == row["held_fen"] + row["not_yet_due_fen"]
        again = ask(night, lines, payments)["fct_payouts_due"]
        paid = {(each.payer, each.payee) for each in payments if each.posted == night}
        assert not [
            row
            for row in again
            if (row["payer_party"], row["payee_party"]) in paid and row["payout_fen"]
        ]
