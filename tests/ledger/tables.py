"""Handover tables from events, entries from tables, and the folds as plain Python."""

import importlib.util
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import pyarrow as pa

from ledger import points, tiers
from ledger.expiry import LOT_RULES
from ledger.points_night import ENTRIES, EVENTS, points_entries
from ledger.tier_night import GROWTH, POLICY, TIERS, rules_by_day, tier_names, tier_periods
from tests.ledger.reference import Entry, Event
from tests.ledger.tier_reference import Change, GrowthEvent, PolicyVersion, TierVersion

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


def growth_table(events: list[GrowthEvent]) -> pa.Table:
    """Growth events as upstream hands them over: sorted, the origin of a purchase its own day."""
    complete = [
        replace(event, origin_date=event.origin_date or event.business_date) for event in events
    ]
    return table(sorted(complete, key=lambda event: (event.member_id, event.business_date)), GROWTH)


def tier_rows(
    events: list[GrowthEvent],
    rule_versions: list[TierVersion],
    policies: list[PolicyVersion],
    closing_date: date,
) -> list[dict[str, Any]]:
    """Rows of tier_periods."""
    tier_table, policy_table = table(rule_versions, TIERS), table(policies, POLICY)
    first_date = min(event.business_date for event in events)
    rules = rules_by_day(tier_table, policy_table, first_date, closing_date)
    periods = tier_periods(growth_table(events), rules, tier_names(tier_table), closing_date)
    rows: list[dict[str, Any]] = periods.to_pylist()
    return rows


def changes_of(rows: list[dict[str, Any]]) -> list[Change]:
    """Rows of tier_periods as the reference gives them."""
    return [Change(**{name: row[name] for name in Change.__dataclass_fields__}) for row in rows]


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
