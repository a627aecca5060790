"""Values that hold from a date until the next one, and what they compile to.

A value holds from its date until the next one, so overlaps cannot be written. Every value names its
source and who approved it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, Field

from ingest.core.documents import Document, Name, Where, Written

T = TypeVar("T")
Row = dict[str, Any]
Columns = Mapping[str, str]  # text, whole, date or flag
VALID = {"valid_from_date": "date", "valid_until_date": "date"}
SAID = {"source": "text", "approved_by": "text"}  # what a value leans on, and who answers for it


def increasing(values: "list[Dated[Any]]") -> "list[Dated[Any]]":
    """The values, if each date comes after the one before it; ValueError otherwise."""
    for earlier, later in pairwise(values):
        if later.from_date <= earlier.from_date:
            raise ValueError(f"date {later.from_date} must come after {earlier.from_date}")
    return values


class Dated(Written, Generic[T]):
    """One value from one date on, with the document that says so and who approved it."""

    from_date: date = Field(alias="from")
    value: T
    source: str = Field(min_length=1)
    approved_by: str = Field(min_length=1)


Whole = Annotated[int, Field(ge=0, le=1_000_000_000)]
Months = Annotated[int, Field(ge=1, le=1200)]
Positive = Annotated[int, Field(ge=1, le=1_000_000_000)]
ONE_OR_MORE = (Field(min_length=1), AfterValidator(increasing))
WholeTimeline = Annotated[list[Dated[Whole]], *ONE_OR_MORE]
MonthsTimeline = Annotated[list[Dated[Months]], *ONE_OR_MORE]
NamesTimeline = Annotated[list[Dated[list[Name]]], *ONE_OR_MORE]
SwitchTimeline = Annotated[list[Dated[bool]], *ONE_OR_MORE]


def periods(**timelines: Sequence[Dated[Any]]) -> list[Row]:
    """Stretches in which no value changes, from the first date on which all are in force, each with
    the sources of its values and those who approved them.
    """
    start = max(values[0].from_date for values in timelines.values())
    changes = {value.from_date for values in timelines.values() for value in values}
    days: list[date | None] = [start, *sorted(day for day in changes if day > start), None]
    rows = []
    for begin, end in pairwise(days):
        assert begin is not None
        held = {name: _in_force(values, begin) for name, values in timelines.items()}
        row: Row = {name: dated.value for name, dated in held.items()}
        said = {name: _together(getattr(each, name) for each in held.values()) for name in SAID}
        rows.append({**row, "valid_from_date": begin, "valid_until_date": end, **said})
    return rows


def _in_force(values: Sequence[Dated[Any]], day: date) -> Dated[Any]:
    return [value for value in values if value.from_date <= day][-1]


def _together(texts: Iterable[str]) -> str:
    """Each text once, in the order of the values that say it."""
    return "; ".join(dict.fromkeys(texts))


def named(period: Row, kind: str, **keys: str) -> Row:
    """A period with its keys and a rule id such as earn/mall/2024-01-01."""
    parts = [kind, *keys.values(), period["valid_from_date"].isoformat()]
    return {**keys, **period, "rule_id": "/".join(parts)}


def minute_of(clock: str) -> int:
    """Minutes since midnight of a clock time such as 18:30."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def check_unique(page: Document[Any], name: str, keys: Sequence[str]) -> None:
    """Problem if two entries of a list carry one key."""
    for number, key in enumerate(keys):
        if key in keys[:number]:
            raise page.problem((name, number), f"'{key}' is described twice")


def check_known(
    page: Document[Any], where: Where, what: str, name: str, known: Collection[str]
) -> None:
    """Problem at its place if a name of something (`what`) is none that is known."""
    if name not in known:
        raise page.problem(where, f"unknown {what} '{name}'")
