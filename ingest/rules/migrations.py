"""The rule book of migrations: which business brought what from a loyalty system of its own, when.

What that system owed at the end of the cut-over date is delivered line by line and opened here;
what the business did through that date is inside it already.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Annotated

from pydantic import Field

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.dated import SAID, VALID, Columns, Row, Whole, check_known, check_unique

MIGRATION = {"business": "text", "cut_over_date": "date"}
TABLES: dict[str, Columns] = {
    "migrations": {
        **MIGRATION,
        "legacy_system_name": "text",
        "signed_account_count": "whole",
        "signed_points": "whole",
        "is_counted_for_tiers": "flag",
        **VALID,
        **SAID,
        "rule_id": "text",
    },
    "migration_tiers": {
        **MIGRATION,
        "legacy_tier_name": "text",
        "tier": "text",
        "kept_through_date": "date",
    },
}


class Signed(Written):
    """What the business has signed for: accounts and points of the whole list, exceptions too."""

    accounts: Whole
    points: Annotated[int, Field(ge=0)]


class LegacyTiers(Written):
    """Which of our tiers each legacy one becomes, and through which day it is kept at least."""

    kept_through: date
    becomes: Annotated[dict[Text, Name], Field(min_length=1)]


class Migration(Written):
    """One business and its cut-over.

    `counts_for_tiers` says whether what members did at the business through the cut-over date moves
    the metrics of tiers; unless written it does where no legacy tiers are brought.
    """

    business: Name
    legacy_system_name: Text
    cut_over_date: date
    signed: Signed
    tiers: LegacyTiers | None = None
    counts_for_tiers: bool | None = None
    source: Text
    approved_by: Text

    @property
    def rule_id(self) -> str:
        """Such as migration/hotel/2025-12-31."""
        return f"migration/{self.business}/{self.cut_over_date.isoformat()}"

    @property
    def key(self) -> Row:
        """What both tables know it by."""
        return {"business": self.business, "cut_over_date": self.cut_over_date}


class Migrations(Written):
    """rules/programme/migrations.yml."""

    migrations: list[Migration]


def check_migrations(
    page: Document[Migrations],
    businesses: Collection[str],
    delivering: Collection[str] | None,
    tiers: Collection[str],
    first_date: date,
) -> None:
    """A business migrates once, can deliver its list, and after the programme has rules.

    `delivering` are the businesses whose systems hand over legacy balances, None if unknown;
    `first_date` is the first day on which points have an expiry and a price, and tiers are in
    force.
    """
    book = page.content.migrations
    check_unique(page, "migrations", [each.business for each in book])
    for number, each in enumerate(book):
        where: Where = ("migrations", number)
        check_known(page, (*where, "business"), "business", each.business, businesses)
        if delivering is not None and each.business not in delivering:
            reason = (
                f"'{each.business}' hands over no legacy balances; "
                "see docs/migration.md and vars.legacy_balances of dbt_project.yml"
            )
            raise page.problem((*where, "business"), reason)
        if each.cut_over_date < first_date:
            reason = f"the rules of the programme begin on {first_date}; cut over no earlier"
            raise page.problem((*where, "cut_over_date"), reason)
        if each.tiers is not None:
            _check_tiers(page, (*where, "tiers"), each.tiers, each.cut_over_date, tiers)


def _check_tiers(
    page: Document[Migrations],
    where: Where,
    legacy: LegacyTiers,
    cut_over_date: date,
    tiers: Collection[str],
) -> None:
    if legacy.kept_through <= cut_over_date:
        reason = f"must come after the cut-over date {cut_over_date}"
        raise page.problem((*where, "kept_through"), reason)
    for name, tier in legacy.becomes.items():
        check_known(page, (*where, "becomes", name), "tier", tier, tiers)


def migration_rows(book: Sequence[Migration]) -> list[Row]:
    """The table `migrations`."""
    return [
        {
            **each.key,
            "legacy_system_name": each.legacy_system_name,
            "signed_account_count": each.signed.accounts,
            "signed_points": each.signed.points,
            "is_counted_for_tiers": each.tiers is None
            if each.counts_for_tiers is None
            else each.counts_for_tiers,
            "valid_from_date": each.cut_over_date,
            "valid_until_date": None,
            "source": each.source,
            "approved_by": each.approved_by,
            "rule_id": each.rule_id,
        }
        for each in book
    ]


def migration_tier_rows(book: Sequence[Migration]) -> list[Row]:
    """The table `migration_tiers`: a legacy tier a row."""
    return [
        {
            **each.key,
            "legacy_tier_name": name,
            "tier": tier,
            "kept_through_date": each.tiers.kept_through,
        }
        for each in book
        if each.tiers is not None
        for name, tier in sorted(each.tiers.becomes.items())
    ]
