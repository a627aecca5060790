"""Compiles rule books to `raw/rules/<table>/load_date=…/`.

One row for each stretch of time in which no value changes, so that SQL finds the rule of a date
with one join. Every table holds all versions.
"""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.lake import Lake, partition_dates, write_parquet
from ingest.rules import (
    breakage,
    budgets,
    businesses,
    channels,
    contracts,
    earning,
    entitlements,
    expiry,
    funding,
    marketing,
    migrations,
    missions,
    outside,
    points,
    settlement,
    tags,
    tax,
    tier_metrics,
    tiers,
    voucher_scopes,
    written,
)
from ingest.rules.books import RuleBooks
from ingest.rules.dated import Columns, Row

KINDS = {"text": pa.string(), "whole": pa.int64(), "date": pa.date32(), "flag": pa.bool_()}
TABLES: Mapping[str, Columns] = {
    name: columns
    for part in (
        businesses,
        points,
        expiry,
        earning,
        tiers,
        settlement,
        funding,
        breakage,
        entitlements,
        marketing,
        written,
        missions,
        tags,
        migrations,
        contracts,
        budgets,
        voucher_scopes,
        outside,
        channels,
        tax,
    )
    for name, columns in part.TABLES.items()
}


def compile_rules(books: RuleBooks) -> dict[str, pa.Table]:
    """All rule tables by name, rows in a fixed order."""
    names = [book.business for book in books.businesses]
    rows: dict[str, list[Row]] = {
        "businesses": businesses.business_rows(books.businesses),
        "zone_offsets": businesses.zone_offset_rows(books.businesses),
        "excluded_channels": businesses.excluded_channel_rows(books.businesses),
        "earning": points.earning_rows(books.points, books.businesses),
        "earning_overrides": earning.override_rows(books.earning),
        "campaign_caps": earning.campaign_cap_rows(books.earning),
        "bonus_rules": earning.bonus_rule_rows(books.earning),
        "expiry": expiry.expiry_rows(
            books.points.expiry, {book.business: book.expiry for book in books.businesses}
        ),
        "qualifying_activity": points.qualifying_activity_rows(books.points),
        "base_terms": businesses.base_term_rows(books.businesses),
        "base_caps": businesses.base_cap_rows(books.businesses),
        "vesting": businesses.vesting_rows(books.businesses),
        "tiers": tiers.tier_rows(books.tiers),
        "tier_metrics": tiers.tier_metric_rows(books.tiers),
        "tier_feeds": tier_metrics.feed_rows(books.tiers.metrics, books.businesses),
        "tier_conditions": tiers.tier_condition_rows(books.tiers),
        "tier_policy": tiers.tier_policy_rows(books.tiers),
        "settlement_prices": settlement.settlement_price_rows(books.settlement, names),
        "funding": funding.funding_rows(
            books.settlement.funding, books.settlement.funding_exceptions, names
        ),
        "redemption_estimates": breakage.estimate_rows(books.settlement.redemption_estimates),
        "fund": [books.settlement.fund.model_dump()],
        "close_terms": settlement.close_term_rows(books.settlement),
        "benefits": entitlements.benefit_rows(books.entitlements),
        "reminder_days": marketing.reminder_day_rows(books.marketing),
        "rewards": marketing.reward_rows(books.marketing),
        "audiences": marketing.audience_rows(books.marketing),
        "rule_values": written.written_value_rows(books),
        "missions": missions.mission_rows(books.missions),
        "tags": tags.tag_rows(books.tags),
        "migrations": migrations.migration_rows(books.migrations.migrations),
        "migration_tiers": migrations.migration_tier_rows(books.migrations.migrations),
        "merchant_contracts": contracts.merchant_contract_rows(books.contracts),
        "merchant_entities": contracts.merchant_entity_rows(books.contracts),
        "contract_steps": contracts.contract_step_rows(books.contracts),
        "channel_fees": contracts.channel_fee_rows(books.contracts),
        "voucher_funders": contracts.voucher_funder_rows(books.contracts.voucher_programmes),
        "voucher_budgets": budgets.voucher_budget_rows(books.contracts.voucher_programmes),
        "voucher_scopes": voucher_scopes.voucher_scope_rows(books.contracts.voucher_programmes),
        "outside_parties": outside.outside_party_rows(books.contracts.outside_parties),
        "split_limits": channels.split_limit_rows(books.channels),
        "movement_taxes": tax.movement_tax_rows(books.tax),
        "payee_taxes": tax.payee_tax_rows(books.tax),
    }
    rows["rule_versions"] = written.rule_version_rows(rows)
    return {
        name: pa.Table.from_pylist(
            rows[name], pa.schema([(column, KINDS[kind]) for column, kind in columns.items()])
        )
        for name, columns in TABLES.items()
    }


def read_rules(lake: Lake) -> dict[str, pa.Table]:
    """The tables of the last night that compiled rules; no tables in a new lake."""
    nights = partition_dates(lake.raw("rules", "earning", date.max).parent.parent)
    paths = {name: lake.raw("rules", name, nights[-1]) for name in TABLES} if nights else {}
    return {
        name: pq.read_table(path, partitioning=None)
        for name, path in paths.items()
        if path.is_file()
    }


def write_rules(lake: Lake, business_date: date, tables: Mapping[str, pa.Table]) -> None:
    """Replace tonight's partition of every rule table. Partitions of earlier releases get tonight's
    columns, so that each table still reads as one.
    """
    for name, table in tables.items():
        write_parquet(table, lake.raw("rules", name, business_date))
        _reshape(lake, name, table.schema)


def _reshape(lake: Lake, name: str, schema: pa.Schema) -> None:
    nights = partition_dates(lake.raw("rules", name, date.max).parent.parent)
    paths = [lake.raw("rules", name, night) for night in nights]
    if pq.read_schema(paths[0]).names == schema.names:
        return
    # The oldest comes last: whoever is stopped in between finds it as it was and does all again.
    for path in reversed(paths):
        kept = pq.read_table(path, partitioning=None)
        columns = [
            kept[field.name].cast(field.type)
            if field.name in kept.column_names
            else pa.nulls(len(kept), field.type)
            for field in schema
        ]
        write_parquet(pa.table(columns, schema=schema), path)
