"""The rule book of missions: who is offered one at the border of the next tier, and for how long.

What a mission gives is a bonus rule of earning.yml that asks for it (`when: {mission: …}`). Whoever
is offered one keeps it: offers are posted, and later corrections or rules take none away.
"""

from typing import Annotated

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    check_known,
    check_unique,
    named,
    periods,
)
from ingest.rules.earning import Earning
from ingest.rules.lists import ListedNames, listed

Days = Annotated[int, Field(ge=1, le=366)]

TABLES: dict[str, Columns] = {
    "missions": {
        "mission": "text",
        "mission_name": "text",
        "business": "text",
        "metric": "text",
        "missing_at_most": "whole",
        "tiers": "text",
        "days": "whole",
        "again_after_days": "whole",
        **VALID,
        "rule_id": "text",
    }
}


class Offer(Written):
    """Who is offered a mission: whoever reaches the next tier (one of `tiers`, if these are named)
    once no more than `missing_at_most` of the metric has come. It is live on `days` days from the
    day after the night on; the next one comes `again_after_days` after its last day at the
    earliest, and never if that is not said.
    """

    metric: Name
    missing_at_most: Positive
    tiers: ListedNames | None = None
    days: Days
    again_after_days: Days | None = None


class Mission(Written):
    """A mission and the business that sends it, to members who consented there. An offer of null
    ends it; missions that are live go on.
    """

    mission: Name
    mission_name: Text
    business: Name
    offers: Annotated[list[Dated[Offer | None]], *ONE_OR_MORE]


class Missions(Written):
    """rules/programme/missions.yml."""

    missions: list[Mission] = Field(default_factory=list)


def check_missions(
    page: Document[Missions],
    earning: Earning,
    businesses: set[str],
    tiers: set[str],
    metrics: set[str],
) -> None:
    """Names are known and unique, and every mission is worth something to its member."""
    book = page.content
    check_unique(page, "missions", [mission.mission for mission in book.missions])
    rewarded = {
        terms.value.when.mission
        for rule in earning.bonus_rules
        for terms in rule.terms
        if terms.value is not None
    }
    for number, mission in enumerate(book.missions):
        where: Where = ("missions", number)
        check_known(page, (*where, "business"), "business", mission.business, businesses)
        if mission.mission not in rewarded:
            reason = f"no bonus rule of earning.yml asks for mission '{mission.mission}'"
            raise page.problem((*where, "mission"), reason)
        for place, offer in enumerate(mission.offers):
            if offer.value is None:
                continue
            inside: Where = (*where, "offers", place, "value")
            check_known(page, (*inside, "metric"), "metric", offer.value.metric, metrics)
            for position, tier in enumerate(offer.value.tiers or ()):
                check_known(page, (*inside, "tiers", position), "tier", tier, tiers)


def mission_rows(book: Missions) -> list[Row]:
    """The table `missions`: one row a mission and stretch in which it is offered."""
    rows = []
    for mission in book.missions:
        for stretch in periods(offer=mission.offers):
            offer: Offer | None = stretch.pop("offer")
            if offer is not None:
                row = named(stretch, "mission", mission=mission.mission)
                row |= {"mission_name": mission.mission_name, "business": mission.business}
                rows.append({**row, **offer.model_dump(), "tiers": listed(offer.tiers)})
    return sorted(rows, key=lambda row: (row["mission"], row["valid_from_date"]))
