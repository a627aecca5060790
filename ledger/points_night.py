"""Points of one night: rated events in, points entries of touched members out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_tables
from ledger.calendar import day_number
from ledger.columns import (
    Ints,
    codes,
    codes_together,
    date_array,
    day_column,
    int_column,
    member_starts,
    named,
    pick,
    read_table,
)
from ledger.engine import Fold, folded
from ledger.expiry import EXPIRY, with_lot_rules
from ledger.points import (
    ACCRUAL,
    CLAW_BACK,
    CLOCK,
    ENTRY_TYPES,
    EVENT,
    NEVER,
    OPENING,
    REDEMPTION,
    TIER,
    fold_points,
    open_book,
)

# Numbered from 1, and policies from 0, as in points.py.
EVENT_TYPES = (
    *("tier", "opening", "restore", "redemption", "renewal", "accrual", "claw_back", "clock"),
)
REFUND_POLICIES = ("within_balance", "unlimited", "only_pending")
PENDING_TYPES = ("pending", "pending_claw_back", "release")
RENEWED = "/renewed"  # follows the id of the lot that a renewed piece was moved out of
EVENTS = pa.schema(
    [
        ("member_id", pa.string()),
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("activity_id", pa.string()),
        ("event_type", pa.string()),
        ("business_date", pa.date32()),
        ("business", pa.string()),
        ("points", pa.int64()),
        ("target_activity_id", pa.string()),
        ("refund_policy", pa.string()),
        ("lot_id", pa.string()),
        ("release_on_date", pa.date32()),
        ("last_date", pa.date32()),
        ("joined_date", pa.date32()),
        ("tier", pa.string()),
        ("is_qualifying", pa.bool_()),
        ("rule_id", pa.string()),
        ("price_date", pa.date32()),
    ]
)
EVENT_ORDER = [
    "member_id",
    "business_date",
    "occurred_at",
    "event_rank",
    "activity_id",
    "lot_id",
    "rule_id",
]
ENTRIES = pa.schema(
    [
        ("entry_type", pa.string()),
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("activity_id", pa.string()),
        ("lot_id", pa.string()),
        ("parent_lot_id", pa.string()),
        ("debt_activity_id", pa.string()),
        ("business_date", pa.date32()),
        ("issuer_business", pa.string()),
        ("redeemer_business", pa.string()),
        ("settling_business", pa.string()),
        ("price_date", pa.date32()),
        ("expires_on_date", pa.date32()),
        ("release_on_date", pa.date32()),
        ("rule_id", pa.string()),
        ("from_party", pa.string()),
        ("to_party", pa.string()),
        ("points", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Shape:
    """From which row an entry takes its columns: its `cause`, its `lot` or what it is `about`.

    A party that ends in a colon is that of the business at `party_row`, which settles the entry.
    """

    from_party: str
    to_party: str
    party_row: str = ""
    redeemer_row: str = ""
    account_row: str = "lot"
    rule_row: str = "lot"
    price_row: str = "cause"


ROWS = ("", "cause", "lot", "about")
SHAPES = {
    "accrual": Shape("issuer:", "member", "cause"),
    "claw_back": Shape("member", "issuer:", "cause", rule_row="cause"),
    "claw_back_debt": Shape(
        "member_debt", "issuer:", "cause", account_row="cause", rule_row="cause"
    ),
    "debt_repayment": Shape("member", "member_debt", redeemer_row="about"),
    "expiry": Shape("member", "breakage:", "lot"),
    "last_day": Shape("memo:", "memo:", "lot"),
    "opening_balance": Shape("opening:", "member", "cause"),
    "pending": Shape("issuer:", "member_pending", "cause"),
    "pending_claw_back": Shape("member_pending", "issuer:", "cause", rule_row="cause"),
    "redemption": Shape("member", "redeemer:", "cause", redeemer_row="cause"),
    "redemption_debt": Shape(
        "member_debt",
        "redeemer:",
        "cause",
        redeemer_row="cause",
        account_row="cause",
        rule_row="cause",
    ),
    "release": Shape("member_pending", "member", "cause"),
    "renewal_in": Shape("renewal:", "member", "lot", price_row="lot"),
    "renewal_out": Shape("member", "renewal:", "lot", price_row="lot"),
    "restore": Shape("redeemer:", "member", "about", redeemer_row="about"),
    "restore_debt": Shape(
        "redeemer:",
        "member_debt",
        "about",
        redeemer_row="about",
        account_row="about",
        rule_row="cause",
    ),
    "restore_refused": Shape("memo:", "memo:", "cause", account_row="cause", rule_row="cause"),
    "shortfall": Shape("memo:", "memo:", "cause", account_row="cause", rule_row="cause"),
}


def fold_points_night(lake: Lake, business_date: date, engine: str = "duckdb") -> int:
    """Replace the night's partition of raw/ledger/points_entries; returns the number of entries.

    Reads int_points_events and the rules of expiry compiled for the night. The rows come member by
    member, each member's in the order in which they happened.
    """
    rules = read_table(lake.raw("rules", "expiry", business_date), EXPIRY)
    function = partial(entries_by_rules, rules=rules, business_date=business_date)
    fold = Fold("int_points_events", EVENTS, EVENT_ORDER, ENTRIES, function)
    target = lake.raw("ledger", "points_entries", business_date)
    return write_tables(folded(fold, lake, business_date, engine), ENTRIES, target)


def entries_by_rules(events: pa.Table, rules: pa.Table, business_date: date) -> pa.Table:
    """Entries of the members in a table of events, by the versions of expiry in `rules`."""
    return points_entries(with_lot_rules(events, rules), business_date)


def points_entries(events: pa.Table, business_date: date) -> pa.Table:
    """Entries of the members in a table of events with LOT_RULES, in the order they arise.

    Text is given as dictionary codes. Problem if an event is not as the fold needs it.
    """
    day = day_column(events, "business_date")
    (activity, target), activity_count = codes_together(
        events, ["activity_id", "target_activity_id"]
    )
    columns = {
        "kind": _positions(events, "event_type", EVENT_TYPES) + 1,
        "day": day,
        "points": int_column(events, "points"),
        "activity": activity,
        "target": target,
        "policy": _positions(events, "refund_policy", REFUND_POLICIES),
        "is_qualifying": int_column(events, "is_qualifying"),
        "tier": int_column(events, "tier_bit"),
        "window_days": int_column(events, "renewal_window_days"),
        "extension_months": int_column(events, "renewal_extension_months"),
        "lot_order": np.asarray(pc.rank(events["lot_id"], tiebreaker="first"), dtype=np.int64),
        "release": day_column(events, "release_on_date", if_null=-NEVER),
        "limit": day_column(events, "expires_on_date", if_null=NEVER),
        "idle_months": int_column(events, "idle_months"),
        "round_months": int_column(events, "round_up_months"),
        "exempt": int_column(events, "exempt_tier_bits"),
        "reinstatement_days": int_column(events, "reinstatement_days"),
    }
    _check_events(events, columns)
    starts = member_starts(events)
    rows = np.empty(len(day), EVENT)
    for name, values in columns.items():
        rows[name] = values
    book = open_book(len(rows), activity_count)
    entries = fold_points(starts, rows, book, day_number(business_date))
    return entry_columns(events, columns, entries)


def _check_events(events: pa.Table, columns: Mapping[str, Ints]) -> None:
    has_lot = np.asarray(events["lot_id"].is_valid())
    faults = {
        "an event without event_type": columns["kind"] < TIER,
        "an event of less than 1 point": (columns["points"] < 1)
        & ~np.isin(columns["kind"], (TIER, CLOCK)),
        "an accrual without lot_id": np.isin(columns["kind"], (ACCRUAL, OPENING)) & ~has_lot,
        "a claw_back without refund_policy": (columns["kind"] == CLAW_BACK)
        & (columns["policy"] < 0),
    }
    for fault, is_found in faults.items():
        if np.any(is_found):
            activity_id = events["activity_id"][int(np.argmax(is_found))].as_py()
            raise Problem(
                f"int_points_events holds {fault}: activity {activity_id}; run rate again"
            )


def entry_columns(events: pa.Table, columns: Mapping[str, Ints], entries: Ints) -> pa.Table:
    """The fold's entries with every column that a posting needs, looked up by row."""
    entry_type, cause, lot, about, day, points, expires = entries.T
    is_renewed = lot >= events.num_rows
    origin = np.where(is_renewed, lot - events.num_rows, lot)
    rows = np.stack([np.full_like(cause, -1), cause, origin, about])

    def row_of(part: str) -> Ints:
        choice = np.array([ROWS.index(getattr(SHAPES[name], part)) for name in ENTRY_TYPES])
        chosen: Ints = rows[choice[entry_type], np.arange(len(cause))]
        return chosen

    def text(name: str, at_rows: Ints) -> pa.DictionaryArray:
        return pick(events[name].chunk(0), at_rows)

    redeemer = row_of("redeemer_row")
    redeemer = np.where(columns["kind"][redeemer] == REDEMPTION, redeemer, -1)
    is_repayment = entry_type == ENTRY_TYPES.index("debt_repayment")
    is_pending = np.isin(entry_type, [ENTRY_TYPES.index(name) for name in PENDING_TYPES])
    price_days = day_column(events, "price_date", if_null=NEVER)[row_of("price_row")]
    lot_ids = events["lot_id"].chunk(0)
    if np.any(is_renewed):
        lot_ids = pa.concat_arrays([lot_ids, pc.binary_join_element_wise(lot_ids, RENEWED, "")])
    return pa.table(
        {
            "entry_type": named(entry_type, ENTRY_TYPES),
            "source": text("source", row_of("account_row")),
            "account_id": text("account_id", row_of("account_row")),
            "activity_id": text("activity_id", cause),
            "lot_id": pick(lot_ids, lot),
            "parent_lot_id": text("lot_id", np.where(is_renewed, origin, -1)),
            "debt_activity_id": text("activity_id", np.where(is_repayment, about, -1)),
            "business_date": date_array(day),
            "issuer_business": text("business", origin),
            "redeemer_business": text("business", redeemer),
            "settling_business": text("business", row_of("party_row")),
            "price_date": date_array(price_days, price_days == NEVER),
            "expires_on_date": date_array(expires, expires == NEVER),
            "release_on_date": date_array(columns["release"][origin], ~is_pending),
            "rule_id": text("rule_id", row_of("rule_row")),
            "from_party": _party(events, entry_type, row_of("party_row"), "from_party"),
            "to_party": _party(events, entry_type, row_of("party_row"), "to_party"),
            "points": points,
        },
        schema=_text_as_codes(ENTRIES),
    )


def _party(events: pa.Table, entry_type: Ints, rows: Ints, side: str) -> pa.DictionaryArray:
    """`member`, or `issuer:mall`: what the shape says, with the business after a colon."""
    prefixes = [getattr(SHAPES[name], side) for name in ENTRY_TYPES]
    business = events["business"].chunk(0).dictionary_encode()
    names = [
        prefix + (name if prefix.endswith(":") else "")
        for prefix in prefixes
        for name in business.dictionary.to_pylist()
    ]
    own = np.where(rows < 0, 0, codes(business)[rows])
    return named(entry_type * len(business.dictionary) + own, names)


def _positions(events: pa.Table, name: str, allowed: Sequence[str]) -> Ints:
    """Positions of a column's values in a list, -1 for NULL; Problem at any other value."""
    column = events[name]
    found = pc.index_in(column, pa.array(allowed))
    unknown = column.filter(pc.and_(pc.is_null(found), pc.is_valid(column)))
    if len(unknown) > 0:
        raise Problem(
            f"int_points_events: {name} {unknown[0].as_py()!r} is unknown; known are"
            f" {', '.join(allowed)}"
        )
    return int_column(pa.table({name: found}), name, if_null=-1)


def _text_as_codes(schema: pa.Schema) -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [(field.name, text if field.type == pa.string() else field.type) for field in schema]
    )
