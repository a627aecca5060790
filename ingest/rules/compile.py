"""Compiles rule books to `raw/rules/<table>/load_date=…/`.

One row for each stretch of time in which no value changes, so that SQL finds the rule of a date
with one join. Every table holds all versions.
"""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from ingest.core.lake import Lake, write_parquet
from ingest.rules import businesses, entitlements, marketing, points, settlement, tiers
from ingest.rules.books import RuleBooks
from ingest.rules.dated import Columns

KINDS = {"text": pa.string(), "whole": pa.int64(), "date": pa.date32()}
TABLES: Mapping[str, Columns] = {
    name: columns
    for part in (businesses, points, tiers, settlement, entitlements, marketing)
    for name, columns in part.TABLES.items()
}


def compile_rules(books: RuleBooks) -> dict[str, pa.Table]:
    """All rule tables by name, rows in a fixed order."""
    names = [book.business for book in books.businesses]
    rows = {
        "businesses": businesses.business_rows(books.businesses),
        "excluded_channels": businesses.excluded_channel_rows(books.businesses),
        "earning": points.earning_rows(books.points, books.businesses),
        "expiry": points.expiry_rows(books.points),
        "qualifying_activity": points.qualifying_activity_rows(books.points),
        "vesting": businesses.vesting_rows(books.businesses),
        "tiers": tiers.tier_rows(books.tiers),
        "tier_policy": tiers.tier_policy_rows(books.tiers),
        "settlement_prices": settlement.settlement_price_rows(books.settlement, names),
        "fund": [books.settlement.fund.model_dump()],
        "benefits": entitlements.benefit_rows(books.entitlements),
        "audiences": marketing.audience_rows(books.marketing),
    }
    return {
        name: pa.Table.from_pylist(
            rows[name], pa.schema([(column, KINDS[kind]) for column, kind in columns.items()])
        )
        for name, columns in TABLES.items()
    }


def write_rules(lake: Lake, business_date: date, tables: Mapping[str, pa.Table]) -> None:
    """Replace tonight's partition of every rule table."""
    for name, table in tables.items():
        write_parquet(table, lake.raw("rules", name, business_date))
