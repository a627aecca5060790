"""The rule book of points, and what an order earns by it and by the rules of its business."""

from collections.abc import Sequence

from ingest.core.documents import Written
from ingest.rules.businesses import Business
from ingest.rules.dated import VALID, Columns, MonthsTimeline, Row, WholeTimeline, named, periods

TABLES: dict[str, Columns] = {
    "earning": {
        "business": "text",
        **VALID,
        "points_per_10000_fen": "whole",
        "multiplier_percent": "whole",
        "expiry_months": "whole",
        "refund_policy": "text",
        "growth_percent": "whole",
        "rule_id": "text",
    },
}


class Points(Written):
    """rules/programme/points.yml."""

    points_per_10000_fen: WholeTimeline
    expiry_months: MonthsTimeline


def earning_rows(points: Points, books: Sequence[Business]) -> list[Row]:
    """The table `earning`."""
    rows = []
    for book in books:
        stretches = periods(
            points_per_10000_fen=points.points_per_10000_fen,
            expiry_months=points.expiry_months,
            multiplier_percent=book.points_multiplier_percent,
            refund_policy=book.refund_policy,
            growth_percent=book.growth_percent,
        )
        rows += [named(stretch, "earn", business=book.business) for stretch in stretches]
    return rows
