"""Handover tables from events, entries from tables, and the folds as plain Python."""

import importlib.util
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pyarrow as pa

from ledger import points, tiers
from ledger.expiry import LOT_RULES
from ledger.points_night import ENTRIES, EVENTS, points_entries
from ledger.tier_night import EVENTS as TIER_EVENTS
from ledger.tier_night import tier_changes
from ledger.tier_rules import CONDITIONS, METRICS, POLICY, TIERS, TierRules, rules_by_day
from tests.ledger.reference import Entry, Event
from tests.ledger.tier_reference import Change, GrowthEvent, Lock, PolicyVersion, TierVersion

RULED = pa.unify_schemas([EVENTS, LOT_RULES])


def table(rows: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Rows as a table in one chunk a column."""
    columns = [[getattr(row, name) for row in rows] for name in schema.names]
    return pa.table(columns, schema=schema).combine_chunks()


def event_table(events: list[Event]) -> pa.Table:
    """Events as upstream hands them over: sorted."""
    return table(sorted(events, key=Event.order), EVENTS)


def ruled_table(events: list[Event]) -> pa.Table:
    """Events as the fold wants them: with the columns of their rules."""
    return table(sorted(events, key=Event.order), RULED)


def folded_rows(events: list[Event], closing_date: date) -> list[Entry]:
    """Entries of the fold, in the order they arise."""
    rows = points_entries(ruled_table(events), closing_date).cast(ENTRIES).to_pylist()
    return [Entry(**row) for row in rows]


def folded(events: list[Event], closing_date: date) -> Counter[Entry]:
    """Points of the entries of the fold; no two entries differ in nothing but points."""
    rows = folded_rows(events, closing_date)
    sums = Counter({replace(row, points=0): row.points for row in rows})
    assert len(sums) == len(rows)
    return sums


def tier_event_table(events: Sequence[GrowthEvent], locks: Sequence[Lock] = ()) -> pa.Table:
    """Events of tiers as upstream hands them over: sorted, a purchase's origin its own day."""
    rows = [
        {**vars(event), "origin_date": event.origin_date or event.business_date} for event in events
    ]
    rows += [
        {
            "member_id": lock.member_id,
            "business_date": lock.from_date - timedelta(days=1),
            "value": 0,
            "lock_tier": lock.tier,
            "lock_until_date": lock.until_date,
            "lock_reason": lock.reason,
        }
        for lock in locks
    ]
    rows.sort(
        key=lambda row: (row["member_id"], row["business_date"], row.get("lock_reason") or "")
    )
    return pa.Table.from_pylist(rows, TIER_EVENTS).combine_chunks()


def condition_rows(versions: Sequence[TierVersion]) -> list[dict[str, Any]]:
    """Rows of the rule table tier_conditions; the lowest tier asks for nothing."""
    rows: list[dict[str, Any]] = []
    for version in versions:
        for purpose in ("reach", "keep") if version.tier_rank > 0 else ():
            group_number = 0
            for way_number, way in enumerate(version.ways(purpose), 1):
                for group in way.groups:
                    group_number += 1
                    rows += [
                        {
                            "tier_rank": version.tier_rank,
                            "purpose": purpose,
                            "way_number": way_number,
                            "group_number": group_number,
                            "needed_count": group.needed,
                            "metric": metric,
                            "at_least": at_least,
                            "valid_from_date": version.valid_from_date,
                            "valid_until_date": version.valid_until_date,
                            "rule_id": f"{purpose}/{version.tier}/{version.valid_from_date}",
                        }
                        for metric, at_least in group.lines
                    ]
    return rows


def tier_rule_tables(
    versions: Sequence[TierVersion],
    policies: Sequence[PolicyVersion],
    metrics: Sequence[str] = ("growth",),
) -> TierRules:
    """The rule tables of tiers as they are compiled."""
    numbered = [{"metric": name, "metric_number": place} for place, name in enumerate(metrics)]
    return TierRules(
        tiers=table(versions, TIERS),
        metrics=pa.Table.from_pylist(numbered, METRICS),
        conditions=pa.Table.from_pylist(condition_rows(versions), CONDITIONS),
        policy=table(policies, POLICY),
    )


def tier_rows(
    events: Sequence[GrowthEvent],
    versions: Sequence[TierVersion],
    policies: Sequence[PolicyVersion],
    closing_date: date,
    locks: Sequence[Lock] = (),
    metrics: Sequence[str] = ("growth",),
) -> list[dict[str, Any]]:
    """What the fold gives: a row for each change and metric."""
    tier_rules = tier_rule_tables(versions, policies, metrics)
    event_rows = tier_event_table(events, locks)
    first_date = min(event_rows["business_date"].to_pylist())
    rules = rules_by_day(tier_rules, first_date, closing_date)
    rows: list[dict[str, Any]] = tier_changes(
        event_rows, tier_rules, rules, closing_date
    ).to_pylist()
    return rows


def changes_of(rows: list[dict[str, Any]], metric_count: int = 1) -> list[Change]:
    """Rows of the fold as the reference gives them: the metrics of a change together."""
    own = set(Change.__dataclass_fields__) - {"values", "reversed_values", "carried"}
    changes = []
    for start in range(0, len(rows), metric_count):
        metrics = rows[start : start + metric_count]
        is_reversal = metrics[0]["reversed_value"] is not None
        changes.append(
            Change(
                **{name: metrics[0][name] for name in own},
                values={row["metric"]: row["metric_value"] for row in metrics},
                reversed_values={row["metric"]: row["reversed_value"] for row in metrics}
                if is_reversal
                else None,
                carried={row["metric"]: row["carried_value"] for row in metrics},
            )
        )
    return changes


@cache
def plain(module: ModuleType) -> ModuleType:
    """The same source loaded once more, with its functions left uncompiled."""
    assert module in {points, tiers}
    path = Path(str(module.__file__))
    spec = importlib.util.spec_from_file_location(f"plain_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    was_disabled = numba.config.DISABLE_JIT
    numba.config.DISABLE_JIT = True
    try:
        spec.loader.exec_module(copy)
    finally:
        numba.config.DISABLE_JIT = was_disabled
    return copy
