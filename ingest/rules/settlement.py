"""The rule book of settlement: the fund, how points are paid for, what one costs between two
businesses, and how long after a month what belongs to it is still taken into it.
"""

from collections.abc import Sequence
from datetime import date
from itertools import product
from typing import Annotated

from pydantic import AfterValidator, Field

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.breakage import IssuerEstimates, check_estimates
from ingest.rules.dated import (
    VALID,
    Columns,
    Dated,
    Row,
    WholeTimeline,
    check_known,
    check_unique,
    increasing,
    named,
    periods,
)
from ingest.rules.funding import IssuerFunding, TermsTimeline, check_funding

TABLES: dict[str, Columns] = {
    "settlement_prices": {
        "issuer_business": "text",
        "redeemer_business": "text",
        "issue_price_micro_fen": "whole",
        "reimbursement_price_micro_fen": "whole",
        **VALID,
        "rule_id": "text",
    },
    "fund": {"party": "text", "party_name": "text"},
    "close_terms": {"grace_days": "whole", **VALID, "rule_id": "text"},
}


GraceDays = Annotated[int, Field(ge=0, le=20)]  # the month after is never closed while they last
GraceTimeline = Annotated[list[Dated[GraceDays]], AfterValidator(increasing)]


ONLY_POINT_TYPE = "points"


def _is_known(point_type: str) -> str:
    if point_type != ONLY_POINT_TYPE:
        raise ValueError(
            f"the ledger knows one type of points, '{ONLY_POINT_TYPE}'; a price of '{point_type}'"
            " would never be used; leave point_type out"
        )
    return point_type


PointType = Annotated[str, AfterValidator(_is_known)]


class Fund(Written):
    """The party that holds the price of issued points until they are taken."""

    party: Name
    party_name: Text


class PairPrices(Written):
    """Prices of one pair of businesses, instead of the general ones.

    The ledger knows one type of points; a price for another one would never be used.
    """

    issuer_business: Name
    redeemer_business: Name
    point_type: PointType = ONLY_POINT_TYPE
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline


class Settlement(Written):
    """rules/programme/settlement.yml; prices in micro-fen a point."""

    fund: Fund
    funding: TermsTimeline
    funding_exceptions: list[IssuerFunding] = Field(default_factory=list)
    issue_price_micro_fen_per_point: WholeTimeline
    reimbursement_price_micro_fen_per_point: WholeTimeline
    exceptions: list[PairPrices] = Field(default_factory=list)
    redemption_estimates: list[IssuerEstimates] = Field(default_factory=list)
    close_grace_days: GraceTimeline = Field(default_factory=list)


def check_settlement(page: Document[Settlement], businesses: set[str]) -> None:
    """Prices name businesses, each pair once; the fund is none of them."""
    if page.content.fund.party in businesses:
        raise page.problem(("fund", "party"), "the fund cannot carry the name of a business")
    pairs = []
    for number, entry in enumerate(page.content.exceptions):
        for name in ("issuer_business", "redeemer_business"):
            where: Where = ("exceptions", number, name)
            check_known(page, where, "business", getattr(entry, name), businesses)
        pairs.append(f"{entry.issuer_business} to {entry.redeemer_business}")
    check_unique(page, "exceptions", pairs)
    book = page.content
    check_estimates(page, book.redemption_estimates, businesses)
    first_date = first_price_date(book)
    check_funding(page, book.funding, book.funding_exceptions, businesses, first_date)


def first_price_date(settlement: Settlement) -> date:
    """The first day on which points have a price."""
    prices = (
        settlement.issue_price_micro_fen_per_point,
        settlement.reimbursement_price_micro_fen_per_point,
    )
    return min(each[0].from_date for each in prices)


def settlement_price_rows(settlement: Settlement, names: Sequence[str]) -> list[Row]:
    """The table `settlement_prices`: every pair of businesses, a business with itself included."""
    own = {
        (entry.issuer_business, entry.redeemer_business): entry for entry in settlement.exceptions
    }
    rows = []
    for issuer, redeemer in product(names, names):
        prices = own.get((issuer, redeemer), settlement)
        stretches = periods(
            issue_price_micro_fen=prices.issue_price_micro_fen_per_point,
            reimbursement_price_micro_fen=prices.reimbursement_price_micro_fen_per_point,
        )
        pair = {"issuer_business": issuer, "redeemer_business": redeemer}
        rows += [named(stretch, "price", **pair) for stretch in stretches]
    return rows


def close_term_rows(settlement: Settlement) -> list[Row]:
    """The table `close_terms`: days of grace after a month; no rows where there are none."""
    if not settlement.close_grace_days:
        return []
    return [named(row, "close") for row in periods(grace_days=settlement.close_grace_days)]
