"""How many of the points issued will be redeemed: estimates by issuer and month of issue.

Rules: RULES §11 (breakage is recognised in proportion to what is redeemed).

An estimate is a version with a date like any rule: a new one changes what is recognised from the
month of its date on, never what an earlier month recognised.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ingest.core.documents import Document, Name, Written
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
    "redemption_estimates": {
        "issuer_business": "text",
        "issued_from_date": "date",
        "issued_until_date": "date",
        "redeemed_per_10000": "whole",
        **VALID,
        "rule_id": "text",
    },
}


class Vintage(Written):
    """Of 10,000 points issued from the month of a date on, so many will be redeemed."""

    issued_from: date
    redeemed_per_10000: Annotated[int, Field(ge=1, le=10_000)]


def _in_order(values: list[Vintage]) -> list[Vintage]:
    for value in values:
        if value.issued_from.day != 1:
            raise ValueError(f"issued_from {value.issued_from} is not the first day of a month")
    for earlier, later in pairwise(values):
        if later.issued_from <= earlier.issued_from:
            raise ValueError(f"{later.issued_from} must come after {earlier.issued_from}")
    return values


Vintages = Annotated[list[Vintage], Field(min_length=1), AfterValidator(_in_order)]
EstimateTimeline = Annotated[list[Dated[Vintages]], *ONE_OR_MORE]


class IssuerEstimates(Written):
    """Estimates of one business."""

    issuer_business: Name
    redeemed: EstimateTimeline


def check_estimates(
    page: Document[Any], estimates: Sequence[IssuerEstimates], businesses: set[str]
) -> None:
    """Estimates name businesses, each once."""
    for number, entry in enumerate(estimates):
        where = ("redemption_estimates", number, "issuer_business")
        check_known(page, where, "business", entry.issuer_business, businesses)
    check_unique(page, "redemption_estimates", [entry.issuer_business for entry in estimates])


def estimate_rows(estimates: Sequence[IssuerEstimates]) -> list[Row]:
    """The table `redemption_estimates`: a row for each version and vintage."""
    rows = []
    for entry in estimates:
        for stretch in periods(vintages=entry.redeemed):
            vintages: list[Vintage] = stretch.pop("vintages")
            untils = [*(each.issued_from for each in vintages[1:]), None]
            for vintage, until in zip(vintages, untils, strict=True):
                row = {
                    "issued_from_date": vintage.issued_from,
                    "issued_until_date": until,
                    "redeemed_per_10000": vintage.redeemed_per_10000,
                    **stretch,
                }
                rows.append(named(row, "breakage", issuer_business=entry.issuer_business))
    return rows
