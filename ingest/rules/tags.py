"""The rule book of tags: what members are by what they did, as dated definitions.

A tag is borne on a day by whoever did enough in the days before it; the day itself does not count,
so that no order makes the tag by which it is judged.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingest.core.documents import Clock, Document, Name, Text, Where, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    check_known,
    check_unique,
    minute_of,
    named,
    periods,
)
from ingest.rules.lists import Listed, ListedNames, listed

Days = Annotated[int, Field(ge=1, le=1096)]

TABLES: dict[str, Columns] = {
    "tags": {
        "tag": "text",
        "tag_name": "text",
        "businesses": "text",
        "categories": "text",
        "channels": "text",
        "from_minute": "whole",
        "until_minute": "whole",
        "arrival": "text",
        "within_days": "whole",
        "orders_at_least": "whole",
        "paid_fen_at_least": "whole",
        **VALID,
        "rule_id": "text",
    }
}


class Definition(Written):
    """Who bears a tag on a day: so many paid orders, or so much money less refunds, in the
    `within_days` days before it. What is not named of the orders is not asked. Hours are those of
    the business's clocks and may cross midnight; who came by car left a car park of the group on
    the order's business date, no earlier than the order.
    """

    businesses: ListedNames | None = None
    categories: Listed | None = None
    channels: Listed | None = None
    from_time: Clock | None = None
    until_time: Clock | None = None
    arrival: Literal["car", "other"] | None = None
    within_days: Days
    orders_at_least: Positive | None = None
    paid_fen_at_least: Positive | None = None

    @model_validator(mode="after")
    def _one_measure(self) -> "Definition":
        if (self.orders_at_least is None) == (self.paid_fen_at_least is None):
            raise ValueError("say one of orders_at_least, paid_fen_at_least")
        if (self.from_time is None) != (self.until_time is None):
            raise ValueError("from_time and until_time go together")
        return self


class Tag(Written):
    """One tag; a definition of null ends it."""

    tag: Name
    tag_name: Text
    definitions: Annotated[list[Dated[Definition | None]], *ONE_OR_MORE]


class Tags(Written):
    """rules/programme/tags.yml."""

    tags: list[Tag] = Field(default_factory=list)


def check_tags(page: Document[Tags], businesses: set[str]) -> None:
    """Tags are described once, of businesses that are known."""
    check_unique(page, "tags", [tag.tag for tag in page.content.tags])
    for number, tag in enumerate(page.content.tags):
        for place, definition in enumerate(tag.definitions):
            named_ones = (definition.value and definition.value.businesses) or ()
            for position, name in enumerate(named_ones):
                inside: Where = ("tags", number, "definitions", place, "value")
                where: Where = (*inside, "businesses", position)
                check_known(page, where, "business", name, businesses)


def tag_rows(book: Tags) -> list[Row]:
    """The table `tags`: one row a tag and stretch of time in which it is defined one way."""
    rows = []
    for tag in book.tags:
        for stretch in periods(definition=tag.definitions):
            definition: Definition | None = stretch.pop("definition")
            if definition is not None:
                row = {**named(stretch, "tag", tag=tag.tag), "tag_name": tag.tag_name}
                lists = {
                    name: listed(getattr(definition, name))
                    for name in ("businesses", "categories", "channels")
                }
                hours = {
                    "from_minute": definition.from_time and minute_of(definition.from_time),
                    "until_minute": definition.until_time and minute_of(definition.until_time),
                }
                asked = definition.model_dump(exclude={"from_time", "until_time"})
                rows.append({**row, **asked, **lists, **hours})
    return sorted(rows, key=lambda row: (row["tag"], row["valid_from_date"]))
