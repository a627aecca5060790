"""Two time axes on a few entries worked by hand: what was known when, and what was true."""

from collections.abc import Iterator
from itertools import combinations_with_replacement
from typing import Any

import duckdb
import pytest

from exports.as_of import write_as_of

# A1 belongs to M1, from 5 March on (a merge) to M2. On 1 March it earned 100, posted that night.
# On 3 March it spent 30. On 4 March a late receipt of 2 March arrived: 50. On 6 March the earning
# of 1 March was corrected to 80. A2 is M2's and owes 20 from 1 March on.
ENTRIES = [
    ("2026-03-01", "2026-03-01", "accrual", "issuer:mall", "member", 100, False, "A1", "L1"),
    ("2026-03-01", "2026-03-01", "redemption_debt", "member_debt", "redeemer", 20, False, "A2", ""),
    ("2026-03-03", "2026-03-03", "redemption", "member", "redeemer:mall", 30, False, "A1", "L1"),
    ("2026-03-04", "2026-03-02", "accrual", "issuer:mall", "member", 50, False, "A1", "L2"),
    ("2026-03-06", "2026-03-01", "accrual", "member", "issuer:mall", 100, True, "A1", "L1"),
    ("2026-03-06", "2026-03-01", "accrual", "issuer:mall", "member", 80, False, "A1", "L1"),
]  # fmt: skip
LINKS = [
    ("A1", "2026-03-01", None, "M1"),
    ("A2", "2026-03-01", None, "M2"),
    ("A1", "2026-03-05", "M1", "M2"),
]
TIERS = [
    ("2026-03-02", "M1", 1, "2026-03-03", "basic", "silver", "upgrade", False),
    ("2026-03-06", "M1", 1, "2026-03-03", "basic", "silver", "upgrade", True),
    ("2026-03-06", "M2", 1, "2026-03-03", "basic", "gold", "upgrade", False),
]


@pytest.fixture(scope="module")
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    """The three marts that the macros read."""
    with duckdb.connect() as database:
        database.execute(
            "create table fct_points_entries (posted_date date, business_date date,"
            " entry_type varchar, from_party varchar, to_party varchar, points bigint,"
            " is_reversal boolean, account_id varchar, lot_id varchar,"
            " source varchar default 'pos', activity_id varchar default 'a',"
            " issuer_business varchar default 'mall')"
        )
        columns = "posted_date, business_date, entry_type, from_party, to_party, points,"
        columns += " is_reversal, account_id, lot_id"
        marks = ", ".join("?" * 9)
        database.executemany(
            f"insert into fct_points_entries ({columns}) values ({marks})", ENTRIES
        )
        database.execute(
            "create table fct_member_id_changes (account_id varchar, posted_date date,"
            " previous_member_id varchar, member_id varchar, source varchar default 'pos')"
        )
        names = "account_id, posted_date, previous_member_id, member_id"
        database.executemany(
            f"insert into fct_member_id_changes ({names}) values (?, ?, ?, ?)", LINKS
        )
        database.execute(
            "create table fct_tier_changes (posted_date date, member_id varchar,"
            " change_number bigint, effective_date date, from_tier varchar, to_tier varchar,"
            " reason varchar, is_reversal boolean, growth_value bigint default 0,"
            " period_end_date date)"
        )
        names = "posted_date, member_id, change_number, effective_date, from_tier, to_tier, reason,"
        database.executemany(
            f"insert into fct_tier_changes ({names} is_reversal) values (?, ?, ?, ?, ?, ?, ?, ?)",
            TIERS,
        )
        write_as_of(database)
        yield database


def balances(marts: duckdb.DuckDBPyConnection, on: str, known: str) -> dict[str, int]:
    found = marts.execute(
        "select member_id, balance_points from points_balances_as_of($on, $known)",
        {"on": on, "known": known},
    )
    return dict(found.fetchall())


@pytest.mark.parametrize(
    ("on", "known", "expected"),
    [
        ("2026-02-28", "2026-03-06", {"M2": 0}),
        ("2026-03-01", "2026-03-01", {"M1": 100, "M2": -20}),
        ("2026-03-02", "2026-03-03", {"M1": 100, "M2": -20}),
        ("2026-03-02", "2026-03-04", {"M1": 150, "M2": -20}),
        ("2026-03-03", "2026-03-03", {"M1": 70, "M2": -20}),
        ("2026-03-03", "2026-03-04", {"M1": 120, "M2": -20}),
        ("2026-03-03", "2026-03-05", {"M2": 100}),
        ("2026-03-01", "2026-03-06", {"M2": 60}),
        ("2026-03-03", "2026-03-06", {"M2": 80}),
    ],
)
def test_a_balance_follows_both_dates(
    marts: duckdb.DuckDBPyConnection, on: str, known: str, expected: dict[str, int]
) -> None:
    assert balances(marts, on, known) == expected


DAYS = [f"2026-03-0{day}" for day in range(1, 7)]


@pytest.mark.parametrize(("before", "after"), [*combinations_with_replacement(DAYS, 2)])
def test_the_items_between_two_nights_sum_to_the_difference(
    marts: duckdb.DuckDBPyConnection, before: str, after: str
) -> None:
    on = "2026-03-03"
    items: dict[str, int] = {}
    query = "select member_id, balance_points from points_differences($on, $before, $after)"
    for member, points in marts.execute(
        query, {"on": on, "before": before, "after": after}
    ).fetchall():
        items[member] = items.get(member, 0) + points
    then, now = balances(marts, on, before), balances(marts, on, after)
    for member in {*then, *now, *items}:
        assert then.get(member, 0) + items.get(member, 0) == now.get(member, 0)


def test_what_is_left_of_lots_sums_to_what_the_balance_says(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    lots = marts.execute(
        "select lot_id, member_id, remaining_points"
        " from points_lots_as_of(date '2026-03-03', date '2026-03-06') order by lot_id"
    ).fetchall()
    assert lots == [("L1", "M2", 50), ("L2", "M2", 50)]


def tiers(marts: duckdb.DuckDBPyConnection, on: str, known: str) -> dict[Any, Any]:
    found: dict[Any, Any] = dict(
        marts.execute(
            "select member_id, tier from member_tiers_as_of($on, $known)",
            {"on": on, "known": known},
        ).fetchall()
    )
    return found


def test_a_tier_follows_both_dates(marts: duckdb.DuckDBPyConnection) -> None:
    assert tiers(marts, "2026-03-03", "2026-03-01") == {"M1": None, "M2": None}
    assert tiers(marts, "2026-03-02", "2026-03-02") == {"M1": None, "M2": None}
    assert tiers(marts, "2026-03-03", "2026-03-02") == {"M1": "silver", "M2": None}
    assert tiers(marts, "2026-03-03", "2026-03-06") == {"M2": "gold"}
