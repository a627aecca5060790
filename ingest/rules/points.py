"""The rule book of points: what an order earns, and how long points last (RULES §2)."""

from collections.abc import Sequence

from ingest.core.documents import Document, Written
from ingest.rules.businesses import Business
from ingest.rules.dated import (
    VALID,
    Columns,
    NamesTimeline,
    Row,
    WholeTimeline,
    named,
    periods,
)
from ingest.rules.expiry import ExpiryTimeline, check_expiry

TABLES: dict[str, Columns] = {
    "earning": {
        "business": "text",
        **VALID,
        "points_per_10000_fen": "whole",
        "multiplier_percent": "whole",
        "refund_policy": "text",
        "rule_id": "text",
    },
    "qualifying_activity": {"activity_type": "text", **VALID},
}


class Points(Written):
    """rules/programme/points.yml."""

    points_per_10000_fen: WholeTimeline
    expiry: ExpiryTimeline
    resets_clock: NamesTimeline


def check_points(page: Document[Points], tiers: Sequence[str]) -> None:
    """Expiry covers all that is earned, by days that exist, tiers that somebody has to reach and
    activity that is named.

    `tiers` are the names of the tiers, lowest first.
    """
    book = page.content
    if book.expiry[0].from_date > book.points_per_10000_fen[0].from_date:
        reason = (
            f"points are earned from {book.points_per_10000_fen[0].from_date} on; start no later"
        )
        raise page.problem(("expiry", 0, "from"), reason)
    check_expiry(page, book.expiry, book.resets_clock, tiers)


def earning_rows(points: Points, books: Sequence[Business]) -> list[Row]:
    """The table `earning`."""
    rows = []
    for book in books:
        stretches = periods(
            points_per_10000_fen=points.points_per_10000_fen,
            multiplier_percent=book.points_multiplier_percent,
            refund_policy=book.refund_policy,
        )
        rows += [named(stretch, "earn", business=book.business) for stretch in stretches]
    return rows


def qualifying_activity_rows(points: Points) -> list[Row]:
    """The table `qualifying_activity`: what resets the clock of idle members."""
    return [
        {"activity_type": name, **period}
        for period in periods(names=points.resets_clock)
        for name in sorted(set(period.pop("names")))
    ]
