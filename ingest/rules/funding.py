"""How the points of a business are paid for: into the fund at issue, at redemption, or both.

Rules: RULES §7 (pool fund, bilateral, hybrid with a share of breakage).

A lot keeps the version in force on the day it was earned, whatever holds when its points are taken.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from ingest.core.documents import Document, Name, Written
from ingest.core.errors import Problem
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Row,
    check_known,
    check_unique,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "funding": {
        "issuer_business": "text",
        "mode": "text",
        "deposit_percent": "whole",
        "returned_percent": "whole",
        **VALID,
        "rule_id": "text",
    },
}


class Pool(Written):
    """The issuer pays the fund the whole price at issue; the fund pays who takes the points."""

    mode: Literal["pool"]

    @property
    def shares(self) -> Row:
        """In percent: of the price what is deposited, of the deposit what expiry returns."""
        return {"deposit_percent": 100, "returned_percent": 0}


class Bilateral(Written):
    """Nothing at issue; the issuer of the lot pays who takes its points."""

    mode: Literal["bilateral"]

    @property
    def shares(self) -> Row:
        """Nothing is deposited, so nothing returns."""
        return {"deposit_percent": 0, "returned_percent": 0}


class Hybrid(Written):
    """A share of the price at issue, the rest at redemption.

    Of the deposit of points that lapse, `returned_percent` goes back to the issuer; the fund keeps
    what is left for the group.
    """

    mode: Literal["hybrid"]
    deposit_percent: Annotated[int, Field(ge=1, le=99)]
    returned_percent: Annotated[int, Field(ge=0, le=100)]

    @property
    def shares(self) -> Row:
        """As they are written."""
        return {
            "deposit_percent": self.deposit_percent,
            "returned_percent": self.returned_percent,
        }


def _mode(value: Any) -> Any:
    return value.get("mode") if isinstance(value, dict) else getattr(value, "mode", None)


Terms = Annotated[
    Annotated[Pool, Tag("pool")]
    | Annotated[Bilateral, Tag("bilateral")]
    | Annotated[Hybrid, Tag("hybrid")],
    Discriminator(_mode),
]
TermsTimeline = Annotated[list[Dated[Terms]], *ONE_OR_MORE]


class IssuerFunding(Written):
    """How the points of one business are paid for, instead of how all others are."""

    issuer_business: Name
    funding: TermsTimeline


def check_funding(
    page: Document[Any],
    general: Sequence[Dated[Terms]],
    exceptions: Sequence[IssuerFunding],
    businesses: set[str],
    first_price_date: date,
) -> None:
    """Funding begins no later than prices do; exceptions name businesses, each once, and begin no
    later than the general funding.
    """
    if general[0].from_date > first_price_date:
        reason = f"points have a price from {first_price_date} on; begin no later"
        raise page.problem(("funding", 0, "from"), reason)
    for number, entry in enumerate(exceptions):
        where = ("funding_exceptions", number, "issuer_business")
        check_known(page, where, "business", entry.issuer_business, businesses)
        if entry.funding[0].from_date > general[0].from_date:
            reason = (
                f"begins after {general[0].from_date}, when the funding of all others does; write"
                " first how the points issued until then are paid for"
            )
            raise page.problem(("funding_exceptions", number, "funding", 0, "from"), reason)
    check_unique(page, "funding_exceptions", [entry.issuer_business for entry in exceptions])


def funding_rows(
    general: Sequence[Dated[Terms]], exceptions: Sequence[IssuerFunding], names: Sequence[str]
) -> list[Row]:
    """The table `funding`: every business in each stretch of its own funding or the general one."""
    own = {entry.issuer_business: entry.funding for entry in exceptions}
    rows = []
    for issuer in names:
        for stretch in periods(terms=own.get(issuer, general)):
            terms = stretch.pop("terms")
            row = {"mode": terms.mode, **terms.shares, **stretch}
            rows.append(named(row, "funding", issuer_business=issuer))
    return rows


def check_kept(before: Sequence[Row], after: Sequence[Row], night: date) -> None:
    """Problem if points of the days before a night would be paid for otherwise than they were.

    `before` and `after` are rows of the table `funding`, of the last night and of tonight. What was
    deposited for points, or not, is on statements that never change.
    """
    firsts = {row["valid_from_date"] for row in (*before, *after)}
    for row in before:
        for day in sorted(first for first in firsts if first < night):
            old, new = (_in_force(rows, row["issuer_business"], day) for rows in (before, after))
            if old is not None and new is not None and old != new:
                raise Problem(
                    f"programme/settlement.yml: points that {row['issuer_business']} issued from"
                    f" {day} on were paid for as {old[0]}, not {new[0]}; let other funding begin"
                    f" on {night} or later"
                )


def _in_force(rows: Sequence[Row], issuer: str, day: date) -> tuple[Any, ...] | None:
    """Mode and shares of an issuer on a day; None before its funding begins."""
    for row in rows:
        until = row["valid_until_date"]
        is_begun = row["issuer_business"] == issuer and row["valid_from_date"] <= day
        if is_begun and (until is None or day < until):
            return row["mode"], row["deposit_percent"], row["returned_percent"]
    return None
