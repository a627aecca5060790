"""积分负债: the points of each issuer by month of issue, what the ledger says of them, and where
they were taken. Points are positive; money is integer fen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from exports.reader import read_rows
from ingest.core.errors import Problem

Row = dict[str, Any]

# What each movement is in the ledger; the same in points and in fen.
ENTRY_TYPES = {
    "issued_points": ("accrual", "opening_balance", "release"),
    "restored_points": ("restore",),
    "redeemed_points": ("redemption",),
    "expired_points": ("expiry",),
    "clawed_back_points": ("claw_back",),
    "repaid_points": ("debt_repayment",),
}
GAINED = ("issued", "restored", "renewed")
LOST = ("redeemed", "expired", "clawed_back", "repaid")
PARTS = ("opening", *GAINED, *LOST, "closing")
FIGURES = ", ".join(f"{part}_{unit}" for part in PARTS for unit in ("points", "fen"))
COHORTS = f"""
    select issuer_business, coalesce(business_name, issuer_business) as issuer_name, issue_month,
        {FIGURES}, revalued_fen, rounding_fen, adjusted_points, expiring_30_days_points,
        expiring_60_days_points, expiring_90_days_points, redeemed_per_10000, value_micro_fen
    from fct_points_liability_cohorts
    left join dim_businesses on issuer_business = business
    where period_month = $month
    order by issuer_business, issue_month
"""
ISSUERS = f"""
    select issuer_business, opening_points, {", ".join(ENTRY_TYPES)}, closing_points, closing_fen,
        debt_points
    from fct_points_liability where period_month = $month order by issuer_business
"""
TAKEN = """
    select issuer_business, issue_month, redeemer_business, redeemed_points
    from fct_points_liability_redeemers where period_month = $month
    order by issuer_business, issue_month, redeemer_business
"""
LEDGER = """
    select issuer_business, entry_type,
        sum(case when is_reversal then -points else points end)::bigint as points
    from fct_points_entries
    where date_trunc('month', posted_date) = $month and issuer_business is not null
    group by issuer_business, entry_type
"""


@dataclass(frozen=True)
class Liability:
    """A month's liability: cohorts, issuers, where cohorts were taken, and the ledger by issuer."""

    cohorts: tuple[Row, ...]
    issuers: tuple[Row, ...]
    taken: tuple[Row, ...]
    ledger: dict[tuple[str, str], int]

    def of(self, issuer: str) -> "Liability":
        """What one issuer's statement shows."""

        def own(rows: tuple[Row, ...]) -> tuple[Row, ...]:
            return tuple(row for row in rows if row["issuer_business"] == issuer)

        ledger = {key: points for key, points in self.ledger.items() if key[0] == issuer}
        return Liability(own(self.cohorts), own(self.issuers), own(self.taken), ledger)

    def against_ledger(self) -> list[Row]:
        """Each movement beside what the entries posted in the month say of it."""
        rows = []
        for movement, entry_types in ENTRY_TYPES.items():
            stated = sum(row[movement] for row in self.cohorts)
            posted = sum(
                points for (_, entry), points in self.ledger.items() if entry in entry_types
            )
            rows.append(
                {
                    "movement": movement,
                    "stated_points": stated,
                    "ledger_points": posted,
                    "difference_points": stated - posted,
                }
            )
        return rows


def read_liability(connection: duckdb.DuckDBPyConnection, month: date) -> Liability:
    """The liability of a month, given by its first day; nothing is checked yet."""
    values = {"month": month}
    return Liability(
        cohorts=tuple(read_rows(connection, COHORTS, values)),
        issuers=tuple(read_rows(connection, ISSUERS, values)),
        taken=tuple(read_rows(connection, TAKEN, values)),
        ledger={
            (row["issuer_business"], row["entry_type"]): row["points"]
            for row in read_rows(connection, LEDGER, values)
        },
    )


def check_liability(liability: Liability, month: str) -> None:
    """Problem unless every cohort rolls forward in points and fen, each issuer is the sum of its
    cohorts, what was redeemed was taken somewhere, and the ledger says the same.
    """
    for row in liability.cohorts:
        name = f"{row['issuer_business']} of {row['issue_month']:%Y-%m}"
        for unit, more in (("points", ()), ("fen", ("revalued", "rounding"))):
            made = row[f"opening_{unit}"]
            made += sum(row[f"{part}_{unit}"] for part in (*GAINED, *more))
            made -= sum(row[f"{part}_{unit}"] for part in LOST)
            _must_agree(f"closing {unit} of {name}", month, row[f"closing_{unit}"], made)
        taken = sum(each["redeemed_points"] for each in liability.taken if _key(each) == _key(row))
        _must_agree(f"points of {name} by redeemer", month, taken, row["redeemed_points"])
    for issuer in liability.issuers:
        own = liability.of(issuer["issuer_business"])
        for column in ("opening_points", *ENTRY_TYPES, "closing_points", "closing_fen"):
            what = f"{column} of {issuer['issuer_business']}"
            _must_agree(what, month, issuer[column], sum(row[column] for row in own.cohorts))
        for row in own.against_ledger():
            what = f"{row['movement']} of {issuer['issuer_business']} by its entries"
            _must_agree(what, month, row["ledger_points"], row["stated_points"])


def taken_by_cohort(liability: Liability, takers: Iterable[str]) -> list[tuple[Row, list[int]]]:
    """Each cohort of which points were redeemed, with the points of each taker."""
    takers = tuple(takers)
    points = {
        (*_key(row), row["redeemer_business"]): row["redeemed_points"] for row in liability.taken
    }
    rows = []
    for cohort in liability.cohorts:
        amounts = [points.get((*_key(cohort), taker), 0) for taker in takers]
        if any(amounts):
            rows.append((cohort, amounts))
    return rows


def _key(row: Row) -> tuple[str, date]:
    return row["issuer_business"], row["issue_month"]


def _must_agree(what: str, month: str, stated: int, found: int) -> None:
    if stated != found:
        raise Problem(
            f"points liability for {month}: {what} is {stated}, but its parts make {found}; no "
            "statement was written, build and publish the night again"
        )
