"""The rule book of entitlements: benefits and who has them."""

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.dated import (
    VALID,
    Columns,
    Positive,
    Row,
    SwitchTimeline,
    check_known,
    check_unique,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "benefits": {
        "benefit": "text",
        "benefit_name": "text",
        "business": "text",
        "lowest_tier": "text",
        "quantity": "whole",
        "quantity_unit": "text",
        **VALID,
        "rule_id": "text",
    },
}


class Benefit(Written):
    """One benefit of the pool; `valid` switches it on and off."""

    benefit: Name
    benefit_name: Text
    business: Name
    lowest_tier: Name
    quantity: Positive
    quantity_unit: Name
    valid: SwitchTimeline


class Entitlements(Written):
    """rules/programme/entitlements.yml."""

    benefits: list[Benefit]


def check_entitlements(page: Document[Entitlements], businesses: set[str], tiers: set[str]) -> None:
    """Every benefit is described once and names a business and a tier."""
    check_unique(page, "benefits", [benefit.benefit for benefit in page.content.benefits])
    for number, benefit in enumerate(page.content.benefits):
        where: Where = ("benefits", number)
        check_known(page, (*where, "business"), "business", benefit.business, businesses)
        check_known(page, (*where, "lowest_tier"), "tier", benefit.lowest_tier, tiers)


def benefit_rows(book: Entitlements) -> list[Row]:
    """The table `benefits`."""
    rows = []
    for benefit in book.benefits:
        for period in periods(valid=benefit.valid):
            if period.pop("valid"):
                row = named(period, "benefit", benefit=benefit.benefit)
                rows.append({**benefit.model_dump(exclude={"valid"}), **row})
    return sorted(rows, key=lambda row: (row["benefit"], row["valid_from_date"]))
