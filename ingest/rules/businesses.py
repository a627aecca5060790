"""Rule books of businesses: what the programme says about each of them alone."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Discriminator, Field, Tag

from ingest.core.contract import business_names
from ingest.core.documents import Clock, Document, Name, Text, TimeZone, Written
from ingest.core.errors import Problem
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    NamesTimeline,
    Positive,
    Row,
    WholeTimeline,
    periods,
)
from ingest.rules.expiry import OwnExpiryTimeline

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2049, 12, 31)  # of zone offsets
Policy = Literal["unlimited", "within_balance", "only_pending"]
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
    "base_terms": {
        "business": "text",
        "earns_with_discount": "flag",
        "most_points_per_order": "whole",
        **VALID,
    },
    "base_caps": {
        "business": "text",
        "points_per_day": "whole",
        "points_per_month": "whole",
        **VALID,
    },
    "vesting": {
        "business": "text",
        "instalment": "whole",
        "after_days": "whole",
        "percent": "whole",
        **VALID,
    },
}


class BaseTerms(Written):
    """What an order must be to earn the base rate, the most that it gives for one order, and to one
    member in a day and a month, by business date.
    """

    earns_with_discount: bool = True
    most_points_per_order: Positive | None = None
    points_per_day: Positive | None = None
    points_per_month: Positive | None = None


BaseTermsTimeline = Annotated[list[Dated[BaseTerms]], *ONE_OR_MORE]


class Instalment(Written):
    """A part of an order's points, usable so many days after the order."""

    after_days: Annotated[int, Field(ge=0, le=3660)]
    percent: Annotated[Positive, Field(le=100)]


class Pending(Written):
    """All points of an order, usable so many days after it; 0 is at once."""

    pending_days: Annotated[int, Field(ge=0, le=3660)]


def _in_instalments(values: list[Instalment]) -> list[Instalment]:
    for earlier, later in pairwise(values):
        if later.after_days <= earlier.after_days:
            raise ValueError(f"after_days {later.after_days} must come after {earlier.after_days}")
    if sum(value.percent for value in values) != 100:
        raise ValueError(f"instalments sum to {sum(v.percent for v in values)} percent, not to 100")
    return values


def _written_as(value: Any) -> str:
    return "instalments" if isinstance(value, list) else "pending"


Vesting = Annotated[
    Annotated[Pending, Tag("pending")]
    | Annotated[list[Instalment], AfterValidator(_in_instalments), Tag("instalments")],
    Discriminator(_written_as),
]
VestingTimeline = Annotated[list[Dated[Vesting]], *ONE_OR_MORE]


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
    base_terms: BaseTermsTimeline | None = None
    vesting: VestingTimeline | None = None
    expiry: OwnExpiryTimeline | None = None
    growth_percent: WholeTimeline
    excluded_channels: NamesTimeline


def check_businesses(pages: Sequence[Document[Business]], dbt_project: Path, folder: Path) -> None:
    """One file a business, named after it, exactly the businesses of dbt_project.yml, and one name
    for each legal entity.
    """
    entities: dict[str, str] = {}
    for page in pages:
        if page.path.stem != page.content.business:
            reason = f"business '{page.content.business}' belongs in {page.content.business}.yml"
            raise page.problem(("business",), reason)
        code, name = page.content.unified_social_credit_code, page.content.legal_entity_name
        if entities.setdefault(code, name) != name:
            reason = f"another business calls the legal entity {code} '{entities[code]}'"
            raise page.problem(("legal_entity_name",), reason)
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


def base_term_rows(books: Sequence[Business]) -> list[Row]:
    """The table `base_terms`; a business without any lets every order earn, however large."""
    return [
        {"business": book.business, **period.pop("terms").model_dump(), **period}
        for book in books
        for period in (periods(terms=book.base_terms) if book.base_terms else [])
    ]


def base_cap_rows(books: Sequence[Business]) -> list[Row]:
    """The table `base_caps`: stretches in which a business caps the points of a day or a month."""
    rows = [{name: row[name] for name in TABLES["base_caps"]} for row in base_term_rows(books)]
    return [row for row in rows if (row["points_per_day"], row["points_per_month"]) != (None, None)]


def vesting_rows(books: Sequence[Business]) -> list[Row]:
    """The table `vesting`: an instalment a row; a business without any gives points at once."""
    rows = []
    for book in books:
        for period in periods(vesting=book.vesting) if book.vesting else []:
            vesting = period.pop("vesting")
            if isinstance(vesting, Pending):
                vesting = [Instalment(after_days=vesting.pending_days, percent=100)]
            for number, instalment in enumerate(vesting, 1):
                row = {"business": book.business, "instalment": number, **instalment.model_dump()}
                rows.append({**row, **period})
    return rows
