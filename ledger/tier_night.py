"""Tiers of one night: events and dated rules in, tier periods and their evidence out."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ledger.calendar import day_number
from ledger.columns import (
    Ints,
    Mask,
    as_date,
    codes,
    date_array,
    day_column,
    int_column,
    member_starts,
    named,
)
from ledger.engine import Fold, folded
from ledger.tier_rules import TierRules, read_tier_rules, rules_by_day
from ledger.tiers import (
    CHANGE_COLUMNS,
    NEVER,
    NONE,
    REASONS,
    REVERSAL,
    Events,
    Rules,
    fold_tiers,
)

EVENTS = pa.schema(
    [
        ("member_id", pa.string()),
        ("business_date", pa.date32()),
        ("metric", pa.string()),
        ("value", pa.int64()),
        ("origin_date", pa.date32()),
        ("lock_tier", pa.string()),
        ("lock_until_date", pa.date32()),
        ("lock_reason", pa.string()),
    ]
)
EVENT_ORDER = ["member_id", "business_date", "occurred_at", "activity_id", "metric"]
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
        ("window_start_date", pa.date32()),
        ("rule_id", pa.string()),
        ("way_number", pa.int64()),
        ("valid_until_date", pa.date32()),
    ]
)
EVIDENCE = pa.schema(
    [
        ("member_id", pa.string()),
        ("change_number", pa.int64()),
        ("effective_date", pa.date32()),
        ("metric", pa.string()),
        ("metric_value", pa.int64()),
        ("reversed_value", pa.int64()),
        ("reversed_from_date", pa.date32()),
        ("reversed_to_date", pa.date32()),
        ("counted_to_date", pa.date32()),
        ("carried_value", pa.int64()),
    ]
)
# What the fold gives: a row for each change and metric, with both.
CHANGES = pa.schema([*PERIODS, *(field for field in EVIDENCE if field.name not in PERIODS.names)])


def fold_tier_night(lake: Lake, business_date: date, engine: str = "duckdb") -> int:
    """Replace the night's partitions of raw/ledger/tier_periods and tier_evidence.

    Reads int_tier_events and the rules compiled for the night; returns the number of changes.
    Members without a change have no row: they are in the lowest tier.
    """
    tier_rules = read_tier_rules(lake, business_date)
    main_metric = tier_rules.metric_names[0]

    def function(events: pa.Table) -> pa.Table:
        first_date = as_date(int(day_column(events, "business_date").min()))
        rules = rules_by_day(tier_rules, first_date, business_date)
        return tier_changes(events, tier_rules, rules, business_date)

    fold = Fold("int_tier_events", EVENTS, EVENT_ORDER, CHANGES, function)
    tables = [CHANGES.empty_table(), *folded(fold, lake, business_date, engine)]
    order = ["member_id", "change_number", "metric"]
    changes = pa.concat_tables(tables).sort_by([(name, "ascending") for name in order])
    periods = changes.filter(pc.equal(changes["metric"], main_metric)).select(PERIODS.names)
    evidence = changes.select(EVIDENCE.names)
    write_parquet(periods.combine_chunks(), lake.raw("ledger", "tier_periods", business_date))
    write_parquet(evidence.combine_chunks(), lake.raw("ledger", "tier_evidence", business_date))
    return int(periods.num_rows)


def tier_changes(
    events: pa.Table, tier_rules: TierRules, rules: Rules, business_date: date
) -> pa.Table:
    """Tier changes of the members in a table of events, a row for each change and metric."""
    starts, metrics, tiers = member_starts(events), tier_rules.metric_names, tier_rules.tier_names
    columns = Events(
        day=day_column(events, "business_date"),
        metric=_positions(events, "metric", metrics, 0),
        value=int_column(events, "value"),
        origin=day_column(events, "origin_date", if_null=NEVER),
        lock_rank=_positions(events, "lock_tier", tiers, NONE),
        lock_until=day_column(events, "lock_until_date", if_null=NEVER),
        lock_reason=_positions(events, "lock_reason", REASONS, NONE),
    )
    folded_changes = fold_tiers(starts, columns, rules, day_number(business_date))
    changes = np.repeat(folded_changes[:, :CHANGE_COLUMNS], len(metrics), axis=0)
    values = folded_changes[:, CHANGE_COLUMNS:].reshape(-1, 3)
    main_values = np.repeat(values[:: len(metrics)], len(metrics), axis=0)
    member, effective, before, after, reason, period_end, *window = changes.T
    window_start, condition, way, reversed_from, reversed_to, counted_to = window
    number, until, is_last = _numbered_changes(folded_changes, len(metrics))
    is_reversal = reason == REVERSAL
    return pa.table(
        {
            "member_id": events["member_id"].take(pa.array(starts[member])),
            "change_number": number,
            "effective_date": date_array(effective),
            "from_tier": named(before, tiers),
            "to_tier": named(after, tiers),
            "reason": named(reason, REASONS),
            "growth_value": np.where(is_reversal, main_values[:, 1], main_values[:, 0]),
            "period_end_date": date_array(period_end, period_end == NEVER),
            "window_start_date": date_array(window_start),
            "rule_id": named(condition, tier_rules.rule_ids),
            "way_number": pa.array(way, mask=way == 0),
            "valid_until_date": date_array(until, is_last),
            "metric": named(np.arange(len(member)) % len(metrics), metrics),
            "metric_value": values[:, 0],
            "reversed_value": pa.array(values[:, 1], mask=~is_reversal),
            "reversed_from_date": date_array(reversed_from, reversed_from == NONE),
            "reversed_to_date": date_array(reversed_to, reversed_to == NONE),
            "counted_to_date": date_array(counted_to, counted_to == NONE),
            "carried_value": values[:, 2],
        }
    ).cast(CHANGES)


def _numbered_changes(changes: Ints, metric_count: int) -> tuple[Ints, Ints, Mask]:
    """Of each change and metric: its number, the day of the next one, whether there is none."""
    member, effective = changes[:, 0], changes[:, 1]
    number, is_last = np.zeros_like(member), np.ones(len(member), dtype=np.bool_)
    if len(member) > 0:
        first_change = np.flatnonzero(np.diff(member, prepend=-1))
        counts = np.diff(np.append(first_change, len(member)))
        number = np.arange(len(member)) - np.repeat(first_change, counts) + 1
        is_last[:-1] = np.diff(member) != 0
    return (
        np.repeat(number, metric_count),
        np.repeat(np.roll(effective, -1), metric_count),
        np.repeat(is_last, metric_count),
    )


def _positions(events: pa.Table, column: str, names: Sequence[str], if_null: int) -> Ints:
    """Where each row's name stands in a list of names; Problem for one that is not in it."""
    encoded = events[column].combine_chunks().dictionary_encode()
    known = encoded.dictionary.to_pylist()
    for name in known:
        if name not in names:
            raise Problem(f"events of tiers: unknown {column} '{name}'; known: {', '.join(names)}")
    places = np.array([names.index(name) for name in known] + [if_null], dtype=np.int64)
    positions = codes(encoded)  # -1 for NULL, which is the last place
    result: Ints = places[positions]
    return result
