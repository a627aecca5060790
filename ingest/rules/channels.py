"""The rule book of payment channels: within which limits an order's money may be split.

The facts are the channel's own (WeChat Pay, profit sharing: at most 50 receivers a request, 50
requests an order, within 30 days (180 where the group is a platform merchant), up to the ratio that
was agreed on; a split can be returned for 180 days, in at most 50 requests; one subsidy of at most
5,000 yuan is added to an order, before it is split).
"""

from typing import Annotated

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    check_unique,
    named,
    periods,
)

PartsOf10000 = Annotated[int, Field(ge=1, le=10_000)]

TABLES: dict[str, Columns] = {
    "split_limits": {
        "channel": "text",
        "channel_name": "text",
        "most_per_10000": "whole",
        "most_receivers": "whole",
        "most_requests": "whole",
        "split_within_days": "whole",
        "return_within_days": "whole",
        "most_subsidy_fen": "whole",
        **VALID,
        "rule_id": "text",
    }
}


class SplitLimits(Written):
    """Of one payment: the part that may be split off in all, among how many receivers, in how many
    requests (of returns, too), and through how many days after it; and through how many days after
    a split it may be returned. And how much may be added to it, in fen, before it is split. A book
    from before some of these could be written means what WeChat Pay publishes.
    """

    most_per_10000: PartsOf10000
    most_receivers: Positive
    most_requests: Positive = 50
    split_within_days: Positive
    return_within_days: Positive = 180
    most_subsidy_fen: Positive = 500_000


class Channel(Written):
    """A payment channel that splits; limits of null say that it does not any more."""

    channel: Name
    channel_name: Text
    split_limits: Annotated[list[Dated[SplitLimits | None]], *ONE_OR_MORE]


class Channels(Written):
    """rules/programme/channels.yml."""

    channels: list[Channel] = Field(default_factory=list)


def check_channels(page: Document[Channels]) -> None:
    """Channels are described once."""
    check_unique(page, "channels", [channel.channel for channel in page.content.channels])


def split_limit_rows(book: Channels) -> list[Row]:
    """The table `split_limits`: one row a channel and stretch in which it splits."""
    rows = []
    for channel in book.channels:
        for stretch in periods(limits=channel.split_limits):
            limits: SplitLimits | None = stretch.pop("limits")
            if limits is not None:
                row = named(stretch, "split", channel=channel.channel)
                rows.append({**row, "channel_name": channel.channel_name, **limits.model_dump()})
    return sorted(rows, key=lambda row: (row["channel"], row["valid_from_date"]))
