"""Compiles rule books to `raw/rules/<table>/load_date=…/`.

One row for each stretch of time in which no value changes, so that SQL finds the rule of a date
with one join. Every table holds all versions.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise, product
from typing import Any

import pyarrow as pa

from ingest.core.lake import Lake, write_parquet
from ingest.rules.schema import Dated, RuleBooks

KINDS = {"text": pa.string(), "whole": pa.int64(), "date": pa.date32()}
VALID = {"valid_from_date": "date", "valid_until_date": "date"}
TABLES: Mapping[str, Mapping[str, str]] = {
    "businesses": {
        "business": "text",
        "business_name": "text",
        "legal_entity_name": "text",
        "unified_social_credit_code": "text",
        "time_zone": "text",
        "day_cut_off": "text",
    },
    "earning": {
        "business": "text",
        **VALID,
        "points_per_10000_fen": "whole",
        "multiplier_percent": "whole",
        "expiry_months": "whole",
        "refund_policy": "text",
        "growth_percent": "whole",
        "rule_id": "text",
    },
    "excluded_channels": {"business": "text", "channel": "text", **VALID},
    "tiers": {
        "tier": "text",
        "tier_name": "text",
        "tier_rank": "whole",
        "growth_threshold": "whole",
        "points_multiplier_percent": "whole",
        **VALID,
        "rule_id": "text",
    },
    "tier_policy": {
        "window_months": "whole",
        "period_months": "whole",
        "grace_days": "whole",
        **VALID,
    },
    "settlement_prices": {
        "issuer_business": "text",
        "redeemer_business": "text",
        "issue_price_micro_fen": "whole",
        "reimbursement_price_micro_fen": "whole",
        **VALID,
        "rule_id": "text",
    },
    "fund": {"party": "text", "party_name": "text"},
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
    "audiences": {
        "audience": "text",
        "audience_name": "text",
        "kind": "text",
        "limit_value": "whole",
        **VALID,
        "rule_id": "text",
    },
}
Row = dict[str, Any]


def compile_rules(books: RuleBooks) -> dict[str, pa.Table]:
    """All rule tables by name, rows in a fixed order."""
    rows = {
        "businesses": _businesses(books),
        "earning": _earning(books),
        "excluded_channels": _excluded_channels(books),
        "tiers": _tiers(books),
        "tier_policy": _periods(
            window_months=books.tiers.window_months,
            period_months=books.tiers.period_months,
            grace_days=books.tiers.grace_days,
        ),
        "settlement_prices": _settlement_prices(books),
        "fund": [books.settlement.fund.model_dump()],
        "benefits": _benefits(books),
        "audiences": _audiences(books),
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


def _periods(**timelines: Sequence[Dated[Any]]) -> list[Row]:
    """Stretches in which no value changes, from the first date on which all are in force."""
    start = max(values[0].from_date for values in timelines.values())
    changes = {value.from_date for values in timelines.values() for value in values}
    days: list[date | None] = [start, *sorted(day for day in changes if day > start), None]
    rows = []
    for begin, end in pairwise(days):
        assert begin is not None
        row: Row = {name: _in_force(values, begin) for name, values in timelines.items()}
        rows.append({**row, "valid_from_date": begin, "valid_until_date": end})
    return rows


def _in_force(values: Sequence[Dated[Any]], day: date) -> Any:
    return [value.value for value in values if value.from_date <= day][-1]


def _businesses(books: RuleBooks) -> list[Row]:
    names = list(TABLES["businesses"])
    return [{name: getattr(book, name) for name in names} for book in books.businesses]


def _earning(books: RuleBooks) -> list[Row]:
    rows = []
    for book in books.businesses:
        periods = _periods(
            points_per_10000_fen=books.points.points_per_10000_fen,
            expiry_months=books.points.expiry_months,
            multiplier_percent=book.points_multiplier_percent,
            refund_policy=book.refund_policy,
            growth_percent=book.growth_percent,
        )
        rows += [_named(period, "earn", business=book.business) for period in periods]
    return rows


def _named(period: Row, kind: str, **keys: str) -> Row:
    """A period with its keys and a rule id such as earn/mall/2024-01-01."""
    parts = [kind, *keys.values(), period["valid_from_date"].isoformat()]
    return {**keys, **period, "rule_id": "/".join(parts)}


def _excluded_channels(books: RuleBooks) -> list[Row]:
    rows = []
    for book in books.businesses:
        for period in _periods(channels=book.excluded_channels):
            channels = sorted(set(period.pop("channels")))
            rows += [{"business": book.business, "channel": name, **period} for name in channels]
    return sorted(rows, key=lambda row: (row["business"], row["channel"], row["valid_from_date"]))


def _tiers(books: RuleBooks) -> list[Row]:
    rows = []
    for rank, tier in enumerate(books.tiers.tiers):
        for period in _periods(
            growth_threshold=tier.growth_threshold,
            points_multiplier_percent=tier.points_multiplier_percent,
        ):
            row = _named(period, "tier", tier=tier.tier)
            rows.append({**row, "tier_name": tier.tier_name, "tier_rank": rank})
    return rows


def _settlement_prices(books: RuleBooks) -> list[Row]:
    """Prices of every pair of businesses, a business with itself included."""
    settlement = books.settlement
    own = {
        (entry.issuer_business, entry.redeemer_business): entry for entry in settlement.exceptions
    }
    names = [book.business for book in books.businesses]
    rows = []
    for issuer, redeemer in product(names, names):
        prices = own.get((issuer, redeemer), settlement)
        periods = _periods(
            issue_price_micro_fen=prices.issue_price_micro_fen_per_point,
            reimbursement_price_micro_fen=prices.reimbursement_price_micro_fen_per_point,
        )
        pair = {"issuer_business": issuer, "redeemer_business": redeemer}
        rows += [_named(period, "price", **pair) for period in periods]
    return rows


def _benefits(books: RuleBooks) -> list[Row]:
    rows = []
    for benefit in books.entitlements.benefits:
        for period in _periods(valid=benefit.valid):
            if period.pop("valid"):
                row = _named(period, "benefit", benefit=benefit.benefit)
                rows.append({**benefit.model_dump(exclude={"valid"}), **row})
    return sorted(rows, key=lambda row: (row["benefit"], row["valid_from_date"]))


def _audiences(books: RuleBooks) -> list[Row]:
    rows = []
    for audience in books.marketing.audiences:
        for period in _periods(limit_value=audience.limit):
            row = _named(period, "audience", audience=audience.audience)
            rows.append({**audience.model_dump(exclude={"limit"}), **row})
    return sorted(rows, key=lambda row: (row["audience"], row["valid_from_date"]))
