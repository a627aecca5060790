"""Points of one night: rated events in, points entries of touched members out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.core.errors import Problem
from ingest.core.lake import ROW_GROUP_ROWS, Lake, write_with
from ledger.calendar import day_number
from ledger.columns import (
    Ints,
    codes,
    date_array,
    day_column,
    encode_together,
    int_column,
    member_starts,
    named,
    pick,
    read_members,
)
from ledger.points import CLAW_BACK, ENTRY_TYPES, NEVER, REDEMPTION, Events, fold_points

EVENT_TYPES = ("restore", "redemption", "accrual", "claw_back")  # numbered from 1, as in points.py
REFUND_POLICIES = ("within_balance", "unlimited")
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
        ("expires_on_date", pa.date32()),
        ("refund_policy", pa.string()),
        ("lot_id", pa.string()),
        ("rule_id", pa.string()),
        ("price_date", pa.date32()),
    ]
)
ENTRIES = pa.schema(
    [
        ("entry_type", pa.string()),
        ("source", pa.string()),
        ("account_id", pa.string()),
        ("activity_id", pa.string()),
        ("lot_id", pa.string()),
        ("debt_activity_id", pa.string()),
        ("business_date", pa.date32()),
        ("issuer_business", pa.string()),
        ("redeemer_business", pa.string()),
        ("settling_business", pa.string()),
        ("price_date", pa.date32()),
        ("expires_on_date", pa.date32()),
        ("rule_id", pa.string()),
        ("from_party", pa.string()),
        ("to_party", pa.string()),
        ("points", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Shape:
    """From which row an entry takes its columns: its `cause`, its `lot` or the older row it is `about`.

    A party with a colon is that of the business at `party_row`, which is also the business that settles.
    """

    from_party: str
    to_party: str
    party_row: str = ""
    redeemer_row: str = ""
    account_row: str = "lot"
    rule_row: str = "lot"


ROWS = ("", "cause", "lot", "about")
SHAPES = {
    "accrual": Shape("issuer:", "member", "cause"),
    "claw_back": Shape("member", "issuer:", "cause", rule_row="cause"),
    "claw_back_debt": Shape("member_debt", "issuer:", "cause", "", "cause", "cause"),
    "debt_repayment": Shape("member", "member_debt", "", "about"),
    "expiry": Shape("member", "breakage:", "lot"),
    "redemption": Shape("member", "redeemer:", "cause", "cause"),
    "redemption_debt": Shape("member_debt", "redeemer:", "cause", "cause", "cause", "cause"),
    "restore": Shape("redeemer:", "member", "about", "about"),
    "restore_debt": Shape("redeemer:", "member_debt", "about", "about", "about", "cause"),
    "restore_refused": Shape("memo:", "memo:", "cause", "", "cause", "cause"),
    "shortfall": Shape("memo:", "memo:", "cause", "", "cause", "cause"),
}


def fold_points_night(lake: Lake, business_date: date, memory_limit: str) -> int:
    """Replace the night's partition of raw/ledger/points_entries; returns the number of entries.

    Reads work/handover/int_points_events. Entries that differ in nothing but points are one row, and the
    rows are sorted by all columns.
    """
    tables = [_text_as_codes(ENTRIES).empty_table()]
    path = lake.handover("int_points_events")
    for events in read_members(path, EVENTS, business_date):
        tables.append(points_entries(events, business_date))
    entries = pa.concat_tables(tables)
    spill = lake.work / "spill_ledger"
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(spill),
    }
    with duckdb.connect(config=config) as connection:
        connection.register("entries", entries)
        summed = connection.sql("select * from entries order by all nulls last")
        write_with(
            lake.raw("ledger", "points_entries", business_date),
            lambda target: summed.write_parquet(
                str(target), compression="zstd", row_group_size=ROW_GROUP_ROWS
            ),
        )
    return int(entries.num_rows)


def points_entries(events: pa.Table, business_date: date) -> pa.Table:
    """Entries of the members in a table of events, in the order they arise; text as dictionary codes."""
    activity, target = encode_together([events["activity_id"], events["target_activity_id"]])
    columns = Events(
        kind=_positions(events, "event_type", EVENT_TYPES) + 1,
        day=day_column(events["business_date"]),
        points=int_column(events["points"]),
        activity=codes(activity),
        target=codes(target),
        expires=day_column(events["expires_on_date"], if_null=NEVER),
        lot_order=_lot_order(events["lot_id"]),
        is_unlimited=_refund_policy(events),
    )
    entries = fold_points(
        member_starts(events["member_id"]),
        columns,
        len(activity.dictionary),
        day_number(business_date),
    )
    return entry_columns(events, columns, entries)


def entry_columns(events: pa.Table, columns: Events, entries: Ints) -> pa.Table:
    """The fold's entries with every column that a posting needs, looked up by row."""
    entry_type, cause, lot, about, day, points = entries.T
    rows = np.stack([np.full_like(cause, -1), cause, lot, about])

    def row_of(part: str) -> Ints:
        choice = np.array([ROWS.index(getattr(SHAPES[name], part)) for name in ENTRY_TYPES])
        chosen: Ints = rows[choice[entry_type], np.arange(len(cause))]
        return chosen

    def text(name: str, at_rows: Ints) -> pa.DictionaryArray:
        return pick(events[name].chunk(0), at_rows)

    redeemer = row_of("redeemer_row")
    redeemer = np.where(columns.kind[redeemer] == REDEMPTION, redeemer, -1)
    is_repayment = entry_type == ENTRY_TYPES.index("debt_repayment")
    price_days = day_column(events["price_date"], if_null=NEVER)[cause]
    expires = np.where(lot < 0, NEVER, columns.expires[lot])
    return pa.table(
        {
            "entry_type": named(entry_type, ENTRY_TYPES),
            "source": text("source", row_of("account_row")),
            "account_id": text("account_id", row_of("account_row")),
            "activity_id": text("activity_id", cause),
            "lot_id": text("lot_id", lot),
            "debt_activity_id": text("activity_id", np.where(is_repayment, about, -1)),
            "business_date": date_array(day),
            "issuer_business": text("business", lot),
            "redeemer_business": text("business", redeemer),
            "settling_business": text("business", row_of("party_row")),
            "price_date": date_array(price_days, price_days == NEVER),
            "expires_on_date": date_array(expires, expires == NEVER),
            "rule_id": text("rule_id", row_of("rule_row")),
            "from_party": _party(events, entry_type, row_of("party_row"), "from_party"),
            "to_party": _party(events, entry_type, row_of("party_row"), "to_party"),
            "points": points,
        },
        schema=_text_as_codes(ENTRIES),
    )


def _party(events: pa.Table, entry_type: Ints, rows: Ints, side: str) -> pa.DictionaryArray:
    """`member`, or `issuer:mall`: what the shape says, with the business where it ends in a colon."""
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
    unknown = pc.and_(pc.is_null(found), pc.is_valid(column))
    if pc.any(unknown).as_py():
        value = column.filter(unknown)[0].as_py()
        raise Problem(f"int_points_events: {name} {value!r} is unknown; it is one of {allowed}")
    return int_column(found.cast(pa.int64()), if_null=-1)


def _refund_policy(events: pa.Table) -> Ints:
    policy = _positions(events, "refund_policy", REFUND_POLICIES)
    is_claw_back = _positions(events, "event_type", EVENT_TYPES) + 1 == CLAW_BACK
    if np.any(is_claw_back & (policy < 0)):
        raise Problem("int_points_events: a claw_back has no refund_policy; each of them needs one")
    return policy


def _lot_order(lots: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.rank(lots, tiebreaker="first"), dtype=np.int64)


def _text_as_codes(schema: pa.Schema) -> pa.Schema:
    text = pa.dictionary(pa.int32(), pa.string())
    fields = [
        pa.field(field.name, text if field.type == pa.string() else field.type) for field in schema
    ]
    return pa.schema(fields)
