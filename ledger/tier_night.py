"""Tiers of one night: growth events and dated rules in, tier periods of touched members out."""

from datetime import date

import numpy as np
import pyarrow as pa

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ledger.calendar import add_months, day_number
from ledger.columns import (
    Ints,
    as_date,
    date_array,
    day_column,
    int_column,
    member_starts,
    named,
    read_table,
)
from ledger.engine import Fold, folded
from ledger.tiers import NEVER, REASONS, UNREACHABLE, Growth, Rules, fold_tiers

GROWTH = pa.schema(
    [
        ("member_id", pa.string()),
        ("business_date", pa.date32()),
        ("growth_value", pa.int64()),
        ("origin_date", pa.date32()),
    ]
)
GROWTH_ORDER = ["member_id", "business_date", "occurred_at", "activity_id"]
TIERS = pa.schema(
    [
        ("tier", pa.string()),
        ("tier_rank", pa.int64()),
        ("growth_threshold", pa.int64()),
        ("valid_from_date", pa.date32()),
        ("valid_until_date", pa.date32()),
    ]
)
POLICY = pa.schema(
    [
        ("window_months", pa.int64()),
        ("period_months", pa.int64()),
        ("grace_days", pa.int64()),
        ("valid_from_date", pa.date32()),
        ("valid_until_date", pa.date32()),
    ]
)
PERIODS = pa.schema(
    [
        ("member_id", pa.string()),
        ("change_number", pa.int64()),
        ("effective_date", pa.date32()),
        ("from_tier", pa.string()),
        ("to_tier", pa.string()),
        ("reason", pa.string()),
        ("growth_value", pa.int64()),
        ("period_end_date", pa.date32()),
        ("valid_until_date", pa.date32()),
    ]
)


def fold_tier_night(lake: Lake, business_date: date, engine: str = "duckdb") -> int:
    """Replace the night's partition of raw/ledger/tier_periods; returns the number of changes.

    Reads int_growth_events and the rules compiled for the night. Members without a change have no
    row: they are in the lowest tier.
    """
    tiers = read_table(lake.raw("rules", "tiers", business_date), TIERS)
    policy = read_table(lake.raw("rules", "tier_policy", business_date), POLICY)
    names = tier_names(tiers)

    def function(growth: pa.Table) -> pa.Table:
        first_date = as_date(int(day_column(growth, "business_date").min()))
        rules = rules_by_day(tiers, policy, first_date, business_date)
        return tier_periods(growth, rules, names, business_date)

    fold = Fold("int_growth_events", GROWTH, GROWTH_ORDER, PERIODS, function)
    tables = [PERIODS.empty_table(), *folded(fold, lake, business_date, engine)]
    in_order = [("member_id", "ascending"), ("change_number", "ascending")]
    periods = pa.concat_tables(tables).sort_by(in_order).combine_chunks()
    write_parquet(periods, lake.raw("ledger", "tier_periods", business_date))
    return int(periods.num_rows)


def tier_periods(growth: pa.Table, rules: Rules, names: list[str], business_date: date) -> pa.Table:
    """Tier changes of the members in a table of growth events, by member and number."""
    starts = member_starts(growth)
    columns = Growth(
        day=day_column(growth, "business_date"),
        value=int_column(growth, "growth_value"),
        origin=day_column(growth, "origin_date", if_null=NEVER),
    )
    changes = fold_tiers(starts, columns, rules, day_number(business_date))
    member, effective, rank_before, rank_after, reason, score, period_end = changes.T
    number, is_last = np.zeros_like(member), np.ones(len(member), dtype=np.bool_)
    if len(member) > 0:
        first_change = np.flatnonzero(np.diff(member, prepend=-1))
        counts = np.diff(np.append(first_change, len(member)))
        number = np.arange(len(member)) - np.repeat(first_change, counts) + 1
        is_last[:-1] = np.diff(member) != 0
    return pa.table(
        {
            "member_id": growth["member_id"].take(pa.array(starts[member])),
            "change_number": number,
            "effective_date": date_array(effective),
            "from_tier": named(rank_before, names),
            "to_tier": named(rank_after, names),
            "reason": named(reason, REASONS),
            "growth_value": score,
            "period_end_date": date_array(period_end, period_end == NEVER),
            "valid_until_date": date_array(np.roll(effective, -1), is_last),
        }
    ).cast(PERIODS)


def tier_names(tiers: pa.Table) -> list[str]:
    """Tiers by rank, lowest first; Problem unless each has one rank and the ranks are 0, 1, 2 .."""
    ranks = sorted(set(zip(tiers["tier_rank"].to_pylist(), tiers["tier"].to_pylist(), strict=True)))
    if [rank for rank, _ in ranks] != list(range(len(ranks))) or not ranks:
        raise Problem(
            f"rules of tiers: ranks have to be 0, 1, 2 .., one for each tier, not {ranks}"
        )
    return [tier for _, tier in ranks]


def rules_by_day(tiers: pa.Table, policy: pa.Table, first_date: date, last_date: date) -> Rules:
    """The rules in force on each day of a span, so that the fold looks them up by day.

    A tier is out of reach on the days on which no version of it is in force. Days before the first
    version of the policy follow that version: with no tier in reach nothing is decided on them.
    """
    first_day, last_day = day_number(first_date), day_number(last_date)
    days = np.arange(first_day, max(last_day, first_day) + 1, dtype=np.int64)
    thresholds = np.full((len(days), len(tier_names(tiers))), UNREACHABLE, dtype=np.int64)
    for rank, threshold, start, end in _versions(tiers, "tier_rank", "growth_threshold"):
        thresholds[(days >= start) & (days < end), rank] = threshold
    window_months, period_months, grace_days = (
        _by_day(policy, name, days) for name in ("window_months", "period_months", "grace_days")
    )
    return Rules(
        first_day=first_day,
        thresholds=thresholds,
        window_start=add_months(days, -window_months) + 1,
        period_end=add_months(days + 1, period_months) - 1,
        grace_days=grace_days,
    )


def _versions(table: pa.Table, *names: str) -> list[tuple[int, ...]]:
    """Columns of each version with the days it is in force: from, and until (exclusive)."""
    columns = [int_column(table, name) for name in names]
    columns.append(day_column(table, "valid_from_date"))
    columns.append(day_column(table, "valid_until_date", if_null=NEVER))
    return [tuple(int(value) for value in row) for row in np.column_stack(columns)]


def _by_day(policy: pa.Table, name: str, days: Ints) -> Ints:
    versions = sorted(_versions(policy, name), key=lambda version: version[1])
    least = 0 if name == "grace_days" else 1
    if not versions or min(value for value, *_ in versions) < least:
        raise Problem(f"rules of tiers: {name} needs a value from a date on, {least} or more")
    values = np.full(len(days), versions[0][0], dtype=np.int64)
    for value, start, end in versions:
        values[(days >= start) & (days < end)] = value
    return values
