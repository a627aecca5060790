"""The rule book of marketing: audiences and the limits that decide who is in them."""

from typing import Literal

from ingest.core.documents import Document, Name, Text, Written
from ingest.rules.dated import VALID, Columns, Row, WholeTimeline, check_unique, named, periods

TABLES: dict[str, Columns] = {
    "audiences": {
        "audience": "text",
        "audience_name": "text",
        "kind": "text",
        "limit_value": "whole",
        **VALID,
        "rule_id": "text",
    },
}


class Audience(Written):
    """One audience and the limit that decides who is in it."""

    audience: Name
    audience_name: Text
    kind: Literal["points_expiring_within_days", "growth_missing_at_most", "no_activity_for_days"]
    limit: WholeTimeline


class Marketing(Written):
    """rules/programme/marketing.yml."""

    audiences: list[Audience]


def check_marketing(page: Document[Marketing]) -> None:
    """Every audience is described once."""
    check_unique(page, "audiences", [entry.audience for entry in page.content.audiences])


def audience_rows(book: Marketing) -> list[Row]:
    """The table `audiences`."""
    rows = []
    for audience in book.audiences:
        for period in periods(limit_value=audience.limit):
            row = named(period, "audience", audience=audience.audience)
            rows.append({**audience.model_dump(exclude={"limit"}), **row})
    return sorted(rows, key=lambda row: (row["audience"], row["valid_from_date"]))
