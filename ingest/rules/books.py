"""All rule books, read and checked: each by itself and against each other.

A mistake is reported with file, line and column before any night begins.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ingest.core.contract import migrating_names
from ingest.core.documents import Document, M, read_document
from ingest.core.errors import Problem
from ingest.rules.businesses import Business, check_businesses
from ingest.rules.channels import Channels, check_channels
from ingest.rules.contracts import Contracts, check_contracts
from ingest.rules.earning import Earning, Known, check_earning
from ingest.rules.entitlements import Entitlements, check_entitlements
from ingest.rules.expiry import check_expiry
from ingest.rules.marketing import Marketing, check_marketing
from ingest.rules.migrations import Migrations, check_migrations
from ingest.rules.missions import Missions, check_missions
from ingest.rules.points import Points, check_points
from ingest.rules.settlement import Settlement, check_settlement, first_price_date
from ingest.rules.tags import Tags, check_tags
from ingest.rules.tax import Taxes, check_taxes
from ingest.rules.tiers import Tiers, check_tiers


@dataclass(frozen=True)
class RuleBooks:
    """All rule books, checked: each by itself and against each other."""

    businesses: tuple[Business, ...]
    points: Points
    earning: Earning
    tiers: Tiers
    entitlements: Entitlements
    marketing: Marketing
    missions: Missions
    settlement: Settlement
    tags: Tags
    migrations: Migrations
    contracts: Contracts
    channels: Channels
    tax: Taxes


def load_rule_books(rules: Path, dbt_project: Path) -> RuleBooks:
    """Read and check all rule books; Problem `file:line:column: reason` for the first mistake."""
    folder = rules / "businesses"
    paths = sorted(folder.glob("*.yml"))
    if not paths:
        raise Problem(f"{folder} holds no rule book; set RULES_DIR to the folder of the rules")
    pages = [_book(path, Business) for path in paths]
    programme = rules / "programme"
    points = _book(programme / "points.yml", Points)
    earning = _book(programme / "earning.yml", Earning)
    tiers = _book(programme / "tiers.yml", Tiers)
    entitlements = _book(programme / "entitlements.yml", Entitlements)
    marketing = _book(programme / "marketing.yml", Marketing)
    missions = _book(programme / "missions.yml", Missions)
    tags = _book(programme / "tags.yml", Tags)
    settlement = _book(programme / "settlement.yml", Settlement)
    migrations = _book(programme / "migrations.yml", Migrations)
    contracts = _book(programme / "contracts.yml", Contracts)
    channels = _book(programme / "channels.yml", Channels)
    tax = _book(programme / "tax.yml", Taxes)
    check_businesses(pages, dbt_project, folder)
    businesses = {page.content.business for page in pages}
    names = [tier.tier for tier in tiers.content.tiers]
    offered = {mission.mission for mission in missions.content.missions}
    metrics = {metric.metric for metric in tiers.content.metrics}
    check_tiers(tiers, businesses)
    check_points(points, names)
    for page in pages:
        check_expiry(page, page.content.expiry or (), points.content.resets_clock, names)
    check_tags(tags, businesses)
    tag_names = {tag.tag for tag in tags.content.tags}
    check_earning(earning, Known(businesses, set(names), offered, tag_names))
    check_missions(missions, earning.content, businesses, set(names), metrics)
    check_entitlements(entitlements, businesses, set(names))
    check_marketing(marketing, businesses)
    check_settlement(settlement, businesses)
    check_channels(channels)
    fund = settlement.content.fund.party
    outside = {each.party for each in contracts.content.outside_parties}
    check_taxes(tax, first_price_date(settlement.content), businesses, {fund, *outside})
    check_contracts(contracts, businesses, fund)
    first_date = _first_date(points.content, tiers.content, settlement.content)
    check_migrations(migrations, businesses, migrating_names(dbt_project), names, first_date)
    return RuleBooks(
        businesses=tuple(page.content for page in pages),
        points=points.content,
        earning=earning.content,
        tiers=tiers.content,
        entitlements=entitlements.content,
        marketing=marketing.content,
        missions=missions.content,
        settlement=settlement.content,
        tags=tags.content,
        migrations=migrations.content,
        contracts=contracts.content,
        channels=channels.content,
        tax=tax.content,
    )


def _first_date(points: Points, tiers: Tiers, settlement: Settlement) -> date:
    """The first day on which a lot can be opened: it needs an expiry, a price and a tier."""
    return max(
        points.expiry[0].from_date,
        tiers.tiers[0].points_multiplier_percent[0].from_date,
        settlement.issue_price_micro_fen_per_point[0].from_date,
    )


def _book(path: Path, model: type[M]) -> Document[M]:
    return read_document(path, model, "rule book")
