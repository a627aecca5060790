"""Rule books of businesses: what the programme says about each of them alone."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from ingest.core.contract import business_names
from ingest.core.documents import Clock, Document, Name, Text, TimeZone, Written
from ingest.core.errors import Problem
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    NamesTimeline,
    Row,
    WholeTimeline,
    periods,
)

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2049, 12, 31)  # of zone offsets
Policy = Literal["unlimited", "within_balance"]
PolicyTimeline = Annotated[list[Dated[Policy]], *ONE_OR_MORE]
TABLES: dict[str, Columns] = {
    "businesses": {
        "business": "text",
        "business_name": "text",
        "legal_entity_name": "text",
        "unified_social_credit_code": "text",
        "time_zone": "text",
        "day_cut_off": "text",
    },
    "zone_offsets": {"business": "text", "offset_minutes": "whole", **VALID},
    "excluded_channels": {"business": "text", "channel": "text", **VALID},
}


class Business(Written):
    """rules/businesses/<business>.yml."""

    business: Name
    business_name: Text
    legal_entity_name: Text
    unified_social_credit_code: Annotated[str, Field(pattern=r"^[0-9A-Z]{18}$")]
    time_zone: TimeZone
    day_cut_off: Clock
    points_multiplier_percent: WholeTimeline
    refund_policy: PolicyTimeline
    growth_percent: WholeTimeline
    excluded_channels: NamesTimeline


def check_businesses(pages: Sequence[Document[Business]], dbt_project: Path, folder: Path) -> None:
    """One file a business, named after it, and exactly the businesses of dbt_project.yml."""
    for page in pages:
        if page.path.stem != page.content.business:
            reason = f"business '{page.content.business}' belongs in {page.content.business}.yml"
            raise page.problem(("business",), reason)
    expected = business_names(dbt_project)
    if expected is None:
        return
    for page in pages:
        if page.content.business not in expected:
            reason = f"'{page.content.business}' is not in vars.businesses of dbt_project.yml"
            raise page.problem(("business",), reason)
    for name in sorted(set(expected) - {page.content.business for page in pages}):
        raise Problem(f"{folder / name}.yml is missing; dbt_project.yml lists '{name}'")


def business_rows(books: Sequence[Business]) -> list[Row]:
    """The table `businesses`."""
    names = list(TABLES["businesses"])
    return [{name: getattr(book, name) for name in names} for book in books]


def zone_offset_rows(books: Sequence[Business]) -> list[Row]:
    """The table `zone_offsets`: minutes that a business's clocks are ahead of UTC on its days. A
    day on which the clocks change counts with the offset of its noon.
    """
    rows = []
    for book in books:
        begun, last = FIRST_DAY, _offset(book.time_zone, FIRST_DAY)
        for number in range((LAST_DAY - FIRST_DAY).days + 1):
            day = FIRST_DAY + timedelta(days=number)
            offset = _offset(book.time_zone, day)
            if offset != last:
                rows.append(_offset_row(book, last, begun, day))
                begun, last = day, offset
        rows.append(_offset_row(book, last, begun, None))
    return rows


def _offset(zone: str, day: date) -> int:
    noon = datetime.combine(day, time(12), ZoneInfo(zone))
    return int((noon.utcoffset() or timedelta()).total_seconds() // 60)


def _offset_row(book: Business, minutes: int, begin: date, end: date | None) -> Row:
    valid = {"valid_from_date": begin, "valid_until_date": end}
    return {"business": book.business, "offset_minutes": minutes, **valid}


def excluded_channel_rows(books: Sequence[Business]) -> list[Row]:
    """The table `excluded_channels`."""
    rows = []
    for book in books:
        for period in periods(channels=book.excluded_channels):
            channels = sorted(set(period.pop("channels")))
            rows += [{"business": book.business, "channel": name, **period} for name in channels]
    return sorted(rows, key=lambda row: (row["business"], row["channel"], row["valid_from_date"]))
