"""Points of one night: rated events in, points entries of touched members out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.core.errors import Problem, one_line
from ingest.core.lake import ROW_GROUP_ROWS, Lake, write_with
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
)
from ledger.engine import Fold, folded
from ledger.points import (
    ACCRUAL,
    CLAW_BACK,
    ENTRY_TYPES,
    NEVER,
    REDEMPTION,
    RESTORE,
    Events,
    fold_points,
)

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
    """From which row an entry takes its columns: its `cause`, its `lot` or what it is `about`.

    A party that ends in a colon is that of the business at `party_row`, which settles the entry.
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
    "claw_back_debt": Shape(
        "member_debt", "issuer:", "cause", account_row="cause", rule_row="cause"
    ),
    "debt_repayment": Shape("member", "member_debt", redeemer_row="about"),
    "expiry": Shape("member", "breakage:", "lot"),
    "redemption": Shape("member", "redeemer:", "cause", redeemer_row="cause"),
    "redemption_debt": Shape(
        "member_debt",
        "redeemer:",
        "cause",
        redeemer_row="cause",
        account_row="cause",
        rule_row="cause",
    ),
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


def fold_points_night(
    lake: Lake, business_date: date, memory_limit: str, engine: str = "duckdb"
) -> int:
    """Replace the night's partition of raw/ledger/points_entries; returns the number of entries.

    Reads int_points_events. The rows are sorted by all columns. What does not fit in `memory_limit`
    is spilled to work/.
    """
    function = partial(points_entries, business_date=business_date)
    fold = Fold("int_points_events", EVENTS, EVENT_ORDER, ENTRIES, function)
    spill = lake.work / "spill_ledger"
    connection = duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": str(spill)})
    try:
        connection.from_arrow(ENTRIES.empty_table()).create("entries")
        for entries in folded(fold, lake, business_date, engine):
            connection.from_arrow(entries).insert_into("entries")
        rows = connection.sql("from entries order by all nulls last")
        write_with(
            lake.raw("ledger", "points_entries", business_date),
            lambda target: rows.write_parquet(
                str(target), compression="zstd", row_group_size=ROW_GROUP_ROWS
            ),
        )
        (count,) = connection.execute("select count(*) from entries").fetchall()[0]
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise Problem(
            f"cannot sort the points entries of {business_date}: {one_line(error)}; give"
            f" MEMORY_LIMIT or the disk of {lake.work} more room"
        ) from error
    finally:
        connection.close()
    return int(count)


def points_entries(events: pa.Table, business_date: date) -> pa.Table:
    """Entries of the members in a table of events, in the order they arise.

    Text is given as dictionary codes. Problem if an event is not as the fold needs it.
    """
    (activity, target), activity_count = codes_together(
        events, ["activity_id", "target_activity_id"]
    )
    columns = Events(
        kind=_positions(events, "event_type", EVENT_TYPES) + 1,
        day=day_column(events, "business_date"),
        points=int_column(events, "points"),
        activity=activity,
        target=target,
        expires=day_column(events, "expires_on_date", if_null=NEVER),
        lot_order=np.asarray(pc.rank(events["lot_id"], tiebreaker="first"), dtype=np.int64),
        is_unlimited=_positions(events, "refund_policy", REFUND_POLICIES),
    )
    _check_events(events, columns)
    starts = member_starts(events)
    entries = fold_points(starts, columns, activity_count, day_number(business_date))
    return entry_columns(events, columns, entries)


def _check_events(events: pa.Table, columns: Events) -> None:
    has_lot = np.asarray(events["lot_id"].is_valid())
    faults = {
        "an event without event_type": columns.kind < RESTORE,
        "an event of less than 1 point": columns.points < 1,
        "an accrual without lot_id": (columns.kind == ACCRUAL) & ~has_lot,
        "a claw_back without refund_policy": (columns.kind == CLAW_BACK)
        & (columns.is_unlimited < 0),
    }
    for fault, is_found in faults.items():
        if np.any(is_found):
            activity_id = events["activity_id"][int(np.argmax(is_found))].as_py()
            raise Problem(
                f"int_points_events holds {fault}: activity {activity_id}; run rate again"
            )


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
    price_days = day_column(events, "price_date", if_null=NEVER)[cause]
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
