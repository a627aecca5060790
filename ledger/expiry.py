"""Which rule of expiry each lot has, and the last day that it has from its own facts.

Rules: RULES §1 (months, last usable day), §2 (expiry models).

The version of the issuing business in force on the day a lot is earned decides for good; a renewal
follows that of its own business and day. A lot may bring its last day along, from a system before
this one; then the models say nothing, only what goes with any of them (exempt tiers, renewal,
reinstatement). What depends on the member's later life (idle time, tiers) is left to the fold.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.core.errors import Problem
from ledger.calendar import add_months, anniversary, day_in_year, period_end
from ledger.columns import Ints, Mask, as_date, date_array, day_column, int_column
from ledger.points import NEVER

DAYS_APART = 10_000_000  # between businesses on one line of days
EXPIRY = pa.schema(
    [
        ("business", pa.string()),
        ("lot_months", pa.int64()),
        ("fixed_month", pa.int64()),
        ("fixed_day", pa.int64()),
        ("fixed_years_after", pa.int64()),
        ("anniversary_years", pa.int64()),
        ("idle_months", pa.int64()),
        ("round_up_months", pa.int64()),
        ("exempt_tiers", pa.string()),
        ("reinstatement_days", pa.int64()),
        ("renewal_window_days", pa.int64()),
        ("renewal_extension_months", pa.int64()),
        ("valid_from_date", pa.date32()),
    ]
)
LOT_RULES = pa.schema(
    [
        ("expires_on_date", pa.date32()),
        ("idle_months", pa.int64()),
        ("round_up_months", pa.int64()),
        ("exempt_tier_bits", pa.int64()),
        ("tier_bit", pa.int64()),
        ("reinstatement_days", pa.int64()),
        ("renewal_window_days", pa.int64()),
        ("renewal_extension_months", pa.int64()),
    ]
)


def with_lot_rules(events: pa.Table, rules: pa.Table) -> pa.Table:
    """Events with the columns of LOT_RULES; Problem if one happened before the first version of its
    business.

    Tiers that a version exempts have a bit each; `tier_bit` is that of the tier an event names.
    """
    rules = rules.sort_by([("business", "ascending"), ("valid_from_date", "ascending")])
    rules = rules.combine_chunks()
    days = day_column(events, "business_date")
    version, is_in_force = _versions(events, rules, days)
    _check_in_force(events, days, is_in_force)
    exempt = [text.split() for text in rules["exempt_tiers"].to_pylist()]
    tiers = sorted({tier for names in exempt for tier in names})
    bits = [sum(1 << tiers.index(tier) for tier in names) for names in exempt]
    held = int_column(
        pa.table({"tier": pc.index_in(events["tier"], pa.array(tiers, pa.string()))}), "tier", -1
    )

    def of_version(name: str) -> Ints:
        return int_column(rules, name, if_null=0)[version]

    joined = day_column(events, "joined_date", if_null=NEVER)
    limit = _limits(days, np.where(joined == NEVER, days, joined), of_version)
    brought = day_column(events, "last_date", if_null=NEVER)
    limit = np.where(brought == NEVER, limit, brought)
    columns: dict[str, Ints | pa.Array] = {
        "expires_on_date": date_array(limit, limit == NEVER),
        "idle_months": np.where(brought == NEVER, of_version("idle_months"), 0),
        "round_up_months": of_version("round_up_months"),
        "exempt_tier_bits": np.array(bits, dtype=np.int64)[version],
        "tier_bit": np.where(held < 0, 0, 1 << np.maximum(held, 0)),
        "reinstatement_days": of_version("reinstatement_days"),
        "renewal_window_days": of_version("renewal_window_days"),
        "renewal_extension_months": of_version("renewal_extension_months"),
    }
    for field in LOT_RULES:
        events = events.append_column(field, pa.array(columns[field.name], type=field.type))
    return events.combine_chunks()


def _limits(days: Ints, joined: Ints, of_version: Callable[[str], Ints]) -> Ints:
    """The earliest last day that a rule gives without knowing what the member does; or NEVER."""
    lot_months, anniversary_years = of_version("lot_months"), of_version("anniversary_years")
    fixed_month, fixed_day = of_version("fixed_month"), of_version("fixed_day")
    fixed = day_in_year(
        days, of_version("fixed_years_after"), np.maximum(fixed_month, 1), fixed_day
    )
    choices = [
        (lot_months > 0, add_months(days, lot_months)),
        (fixed_month > 0, fixed),
        (anniversary_years > 0, anniversary(days, joined, anniversary_years)),
    ]
    limit = np.full_like(days, NEVER)
    for is_given, day in choices:
        rounded = period_end(day, of_version("round_up_months"))
        limit = np.where(is_given, np.minimum(limit, rounded), limit)
    return limit


def _versions(events: pa.Table, rules: pa.Table, days: Ints) -> tuple[Ints, Mask]:
    """Of each event the row of its business's version of its day, and whether there is one."""
    names = pa.array(sorted(set(rules["business"].to_pylist())), pa.string())

    def business(table: pa.Table) -> Ints:
        return int_column(
            pa.table({"code": pc.index_in(table["business"], names)}), "code", if_null=-1
        )

    of_event, of_rule = business(events), business(rules)
    begins = of_rule * DAYS_APART + day_column(rules, "valid_from_date")
    version = np.searchsorted(begins, of_event * DAYS_APART + days, side="right") - 1
    version = np.maximum(version, 0)
    is_in_force = (of_rule[version] == of_event) & (
        day_column(rules, "valid_from_date")[version] <= days
    )
    return version, is_in_force


def _check_in_force(events: pa.Table, days: Ints, is_in_force: Mask) -> None:
    needs_rule = pc.is_in(events["event_type"], pa.array(["accrual", "opening", "renewal"]))
    is_missing = ~is_in_force & np.asarray(needs_rule)
    if np.any(is_missing):
        row = int(np.flatnonzero(is_missing)[np.argmin(days[is_missing])])
        raise Problem(
            f"rules of points: no version of expiry of {events['business'][row]} is in force on"
            f" {as_date(int(days[row]))}, when points were earned; let the first version start no"
            " later"
        )
