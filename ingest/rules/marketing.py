"""The rule book of marketing: what members may be reminded of, and audiences with their limits."""

from typing import Annotated, Literal

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    WholeTimeline,
    check_known,
    check_unique,
    named,
    periods,
)

Days = Annotated[list[Positive], Field(min_length=1)]

TABLES: dict[str, Columns] = {
    "reminder_days": {"within_days": "whole", **VALID},
    "rewards": {
        "reward": "text",
        "reward_name": "text",
        "business": "text",
        "price_points": "whole",
        **VALID,
        "rule_id": "text",
    },
    "audiences": {
        "audience": "text",
        "audience_name": "text",
        "kind": "text",
        "limit_value": "whole",
        "issuer": "text",
        "account_at": "text",
        **VALID,
        "rule_id": "text",
    },
}


class Audience(Written):
    """One audience and the limit that decides who is in it. `issuer`: only its points count;
    `account_at`: only members who have an account there, such as residents.
    """

    audience: Name
    audience_name: Text
    kind: Literal[
        "points_expiring_within_days",
        "growth_missing_at_most",
        "reward_missing_at_most",
        "no_activity_for_days",
        "points_held_at_least",
    ]
    limit: WholeTimeline
    issuer: Name | None = None
    account_at: Name | None = None


class Reward(Written):
    """Something that points buy; a price of null takes it off the list."""

    reward: Name
    reward_name: Text
    business: Name
    price_points: Annotated[list[Dated[Positive | None]], *ONE_OR_MORE]


class Marketing(Written):
    """rules/programme/marketing.yml. reminder_days: members are told of points that lapse within
    each of these days.
    """

    reminder_days: Annotated[list[Dated[Days]], *ONE_OR_MORE]
    rewards: list[Reward]
    audiences: list[Audience]


def check_marketing(page: Document[Marketing], businesses: set[str]) -> None:
    """Every audience and reward is described once, and the businesses that they name are known."""
    check_unique(page, "audiences", [entry.audience for entry in page.content.audiences])
    check_unique(page, "rewards", [entry.reward for entry in page.content.rewards])
    for number, audience in enumerate(page.content.audiences):
        for key in ("issuer", "account_at"):
            if (name := getattr(audience, key)) is not None:
                check_known(page, ("audiences", number, key), "business", name, businesses)
        if audience.issuer is not None and not audience.kind.startswith("points_"):
            where = ("audiences", number, "issuer")
            raise page.problem(where, f"'{audience.kind}' asks for no points, so for no issuer")
    for number, reward in enumerate(page.content.rewards):
        check_known(page, ("rewards", number, "business"), "business", reward.business, businesses)


def reminder_day_rows(book: Marketing) -> list[Row]:
    """The table `reminder_days`: one row for each number of days."""
    return [
        {**period, "within_days": days}
        for period in periods(days=book.reminder_days)
        for days in sorted(period.pop("days"))
    ]


def reward_rows(book: Marketing) -> list[Row]:
    """The table `rewards`."""
    rows = []
    for reward in book.rewards:
        for period in periods(price_points=reward.price_points):
            if period["price_points"] is not None:
                row = named(period, "reward", reward=reward.reward)
                rows.append({**reward.model_dump(exclude={"price_points"}), **row})
    return sorted(rows, key=lambda row: (row["reward"], row["valid_from_date"]))


def audience_rows(book: Marketing) -> list[Row]:
    """The table `audiences`."""
    rows = []
    for audience in book.audiences:
        for period in periods(limit_value=audience.limit):
            row = named(period, "audience", audience=audience.audience)
            rows.append({**audience.model_dump(exclude={"limit"}), **row})
    return sorted(rows, key=lambda row: (row["audience"], row["valid_from_date"]))
