"""Dated rules of tiers as arrays by day, so that the fold looks them up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ledger.calendar import add_months, day_number
from ledger.columns import Ints, day_column, int_column, read_table
from ledger.tiers import DOWNGRADES, KEEP, NEVER, NONE, REACH, Conditions, Rules

VALID = [("valid_from_date", pa.date32()), ("valid_until_date", pa.date32())]
TIERS = pa.schema([("tier", pa.string()), ("tier_rank", pa.int64())])
METRICS = pa.schema([("metric", pa.string()), ("metric_number", pa.int64())])
CONDITIONS = pa.schema(
    [
        ("tier_rank", pa.int64()),
        ("purpose", pa.string()),
        ("way_number", pa.int64()),
        ("group_number", pa.int64()),
        ("needed_count", pa.int64()),
        ("metric", pa.string()),
        ("at_least", pa.int64()),
        *VALID,
        ("rule_id", pa.string()),
    ]
)
POLICY = pa.schema(
    [
        ("window_kind", pa.string()),
        ("window_length", pa.int64()),
        ("cycle_start_month", pa.int64()),
        ("cycle_start_day", pa.int64()),
        ("period_months", pa.int64()),
        ("grace_days", pa.int64()),
        ("downgrade", pa.string()),
        ("carry_over", pa.string()),
        *VALID,
    ]
)
PURPOSES = {"reach": REACH, "keep": KEEP}


@dataclass(frozen=True)
class TierRules:
    """The rule tables of one night."""

    tiers: pa.Table
    metrics: pa.Table
    conditions: pa.Table  # in the order of their lines
    policy: pa.Table

    @property
    def tier_names(self) -> list[str]:
        """Tiers by rank, lowest first; Problem unless each has one rank, and they are 0, 1, 2 .."""
        return _numbered(self.tiers, "tier", "tier_rank", "ranks")

    @property
    def metric_names(self) -> list[str]:
        """Metrics by number; the main one is the first."""
        return _numbered(self.metrics, "metric", "metric_number", "numbers of metrics")

    @property
    def rule_ids(self) -> list[str]:
        """The rule of each line of a condition."""
        rule_ids: list[str] = self.conditions["rule_id"].to_pylist()
        return rule_ids


def read_tier_rules(lake: Lake, business_date: date) -> TierRules:
    """The rules compiled for a night."""
    tables = [
        read_table(lake.raw("rules", name, business_date), schema)
        for name, schema in (
            ("tiers", TIERS),
            ("tier_metrics", METRICS),
            ("tier_conditions", CONDITIONS),
            ("tier_policy", POLICY),
        )
    ]
    return TierRules(*tables)


def rules_by_day(rules: TierRules, first_date: date, last_date: date) -> Rules:
    """The rules in force on each day of a span.

    A tier is out of reach on the days on which no version of its condition is in force. Days before
    the first version of the policy follow that version: with no tier in reach nothing is decided.
    """
    first_day, last_day = day_number(first_date), day_number(last_date)
    days = np.arange(first_day, last_day + 1, dtype=np.int64)
    metric_names, policy = rules.metric_names, _policy_by_day(rules.policy, days)
    month, month_start = _months(days)
    return Rules(
        first_day=first_day,
        metric_count=len(metric_names),
        conditions=_conditions_by_day(rules, days),
        window_start=policy["window_start"],
        month=month,
        month_start=month_start,
        period_end=add_months(days + 1, policy["period_months"]) - 1,
        grace_days=policy["grace_days"],
        downgrade=policy["downgrade"],
        is_carried=policy["is_carried"],
        changed_on=_changed_on(rules),
    )


def _changed_on(rules: TierRules) -> Ints:
    """Days on which a version of a condition or of the policy begins."""
    begins = [day_column(table, "valid_from_date") for table in (rules.conditions, rules.policy)]
    return np.unique(np.concatenate(begins))


def _numbered(table: pa.Table, name: str, number: str, what: str) -> list[str]:
    pairs = sorted(set(zip(table[number].to_pylist(), table[name].to_pylist(), strict=True)))
    if [rank for rank, _ in pairs] != list(range(len(pairs))) or not pairs:
        raise Problem(
            f"rules of tiers: {what} have to be 0, 1, 2 .., one for each {name}, not {pairs}"
        )
    return [each for _, each in pairs]


def _conditions_by_day(rules: TierRules, days: Ints) -> Conditions:
    """The lines of all conditions, and which of them are in force on each day."""
    place = np.zeros((len(days), len(rules.tier_names), len(PURPOSES), 2), dtype=np.int64)
    table, metric_names = rules.conditions, rules.metric_names
    starts = day_column(table, "valid_from_date")
    ends = day_column(table, "valid_until_date", if_null=NEVER)
    ranks = int_column(table, "tier_rank")
    rule_ids = rules.rule_ids
    purposes = [PURPOSES[name] for name in table["purpose"].to_pylist()]
    for line in range(table.num_rows):
        is_in_force = (days >= starts[line]) & (days < ends[line])
        if line == 0 or rule_ids[line] != rule_ids[line - 1]:
            place[is_in_force, ranks[line], purposes[line], 0] = line
        place[is_in_force, ranks[line], purposes[line], 1] = line + 1
    metrics = [metric_names.index(name) for name in table["metric"].to_pylist()]
    lines = [int_column(table, name) for name in ("way_number", "group_number", "needed_count")]
    lines += [np.array(metrics, dtype=np.int64), int_column(table, "at_least")]
    return Conditions(place, np.column_stack(lines))


def _policy_by_day(policy: pa.Table, days: Ints) -> dict[str, Ints]:
    """Columns of the policy in force on each day."""
    versions: list[dict[str, Any]] = sorted(
        policy.to_pylist(), key=lambda version: version["valid_from_date"]
    )
    for name, least in (("window_length", 1), ("period_months", 1), ("grace_days", 0)):
        if not versions or min(version[name] for version in versions) < least:
            raise Problem(f"rules of tiers: {name} needs a value from a date on, {least} or more")
    names = ("window_start", "period_months", "grace_days", "downgrade", "is_carried")
    columns = {name: np.zeros(len(days), dtype=np.int64) for name in names}
    for number, version in enumerate(versions):
        begins = days >= day_number(version["valid_from_date"])
        chosen = begins if number > 0 else np.ones_like(begins)
        columns["window_start"][chosen] = window_starts(version, days[chosen])
        columns["period_months"][chosen] = version["period_months"]
        columns["grace_days"][chosen] = version["grace_days"]
        columns["downgrade"][chosen] = DOWNGRADES.index(version["downgrade"])
        columns["is_carried"][chosen] = int(version["carry_over"] == "remainder")
    return columns


def window_starts(version: dict[str, Any], days: Ints) -> Ints:
    """First day of the window that ends on each day; NONE where that depends on the member."""
    kind, length = version["window_kind"], version["window_length"]
    if kind == "rolling_days":
        starts: Ints = days - length + 1
        return starts
    if kind == "rolling_months":
        return add_months(days, -length) + 1
    if kind == "membership_anniversary":
        return np.full(len(days), NONE, dtype=np.int64)
    # A cycle begins on its day of its month and every `length` months, which divide a year.
    shift = version["cycle_start_day"] - 1
    month = (days - shift).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    since = np.mod(month - (version["cycle_start_month"] - 1), length)
    first = (month - since).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    begins: Ints = first + shift
    return begins


def _months(days: Ints) -> tuple[Ints, Ints]:
    """Number of each day's month, and the first day of each month up to the one after the last."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    all_months: Sequence[int] = range(int(months[0]), int(months[-1]) + 2)
    starts = np.array(all_months).astype("datetime64[M]").astype("datetime64[D]")
    return months - months[0], starts.astype(np.int64)
