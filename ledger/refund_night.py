"""Refunds of one night: legs and refunds of touched orders in, what goes back of each leg out."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from ingest.core.lake import Lake, write_tables
from ledger.engine import Fold, folded
from ledger.refunds import CHANNEL_FEE, COMMISSION, MONEY, Leg, Refund, Taken, fold_refunds

EVENTS = pa.schema(
    [
        ("order_id", pa.string()),
        ("business_date", pa.date32()),
        ("business", pa.string()),
        ("activity_id", pa.string()),
        ("event", pa.string()),
        ("merchant_id", pa.string()),
        ("merchant_party", pa.string()),
        ("component", pa.string()),
        ("funder_party", pa.string()),
        ("rule_id", pa.string()),
        ("amount_fen", pa.int64()),
        ("base_fen", pa.int64()),
    ]
)
EVENT_ORDER = [
    "order_id",
    "business_date",
    "occurred_at",
    "activity_id",
    "event",
    "merchant_id",
    "component",
    "funder_party",
    "rule_id",
]
LEGS = pa.schema(
    [
        ("activity_id", pa.string()),
        ("merchant_party", pa.string()),
        ("other_party", pa.string()),
        ("movement_type", pa.string()),
        ("rule_id", pa.string()),
        ("amount_fen", pa.int64()),
    ]
)
MOVEMENTS = {MONEY: "sale", "points": "points_tender", COMMISSION: COMMISSION}
MOVEMENTS |= {CHANNEL_FEE: CHANNEL_FEE}
SUBSIDY = "voucher_subsidy"  # of any voucher
BEYOND = "suspense/refund_exceeds_order"

Row = dict[str, Any]


def fold_refund_night(lake: Lake, business_date: date, engine: str = "duckdb") -> int:
    """Replace the night's partition of raw/ledger/refund_legs; returns the number of rows.

    Reads int_refund_events: order by order, of each the legs that it gave and its refunds.
    """
    fold = Fold("int_refund_events", EVENTS, EVENT_ORDER, LEGS, refund_legs, key="order_id")
    target = lake.raw("ledger", "refund_legs", business_date)
    return write_tables(folded(fold, lake, business_date, engine), LEGS, target)


def refund_legs(events: pa.Table) -> pa.Table:
    """What the refunds of whole orders take back, a row a refund and leg."""
    rows = groupby(events.to_pylist(), itemgetter("order_id"))
    found = [row for _, of_order in rows for row in _order_rows(list(of_order))]
    return pa.Table.from_pylist(found, LEGS)


def _order_rows(events: list[Row]) -> Iterator[Row]:
    legs = [
        Leg(
            merchant_id=row["merchant_id"],
            merchant_party=row["merchant_party"],
            component=row["component"],
            funder_party=row["funder_party"],
            rule_id=row["rule_id"],
            amount_fen=row["amount_fen"],
            is_in_base=row["base_fen"] > 0,
        )
        for row in events
        if row["event"] == "leg"
    ]
    refunds = (row for row in events if row["event"] != "leg")
    taken = fold_refunds(legs, list(_refunds(refunds)))
    suspense = f"suspense/{events[0]['business']}"
    for each in taken:
        row = _row(each, events[0]["business"], suspense)
        if row["merchant_party"] != row["other_party"]:  # a discount of the merchant's own
            yield row


def _refunds(rows: Iterable[Row]) -> Iterator[Refund]:
    """Refunds in order of time; the rows of one stand together."""
    for activity_id, group in groupby(rows, itemgetter("activity_id")):
        of_refund = list(group)
        yield Refund(
            activity_id,
            {r["merchant_id"]: r["amount_fen"] for r in of_refund if r["event"] == "returned"},
            {r["component"]: r["amount_fen"] for r in of_refund if r["event"] == "given_back"},
        )


def _row(taken: Taken, business: str, suspense: str) -> Row:
    """A row of the result. What is beyond the order is owed by suspense: money and points to the
    business that gave them, a voucher to nobody, for nobody has paid for it.
    """
    movement = MOVEMENTS.get(taken.component, SUBSIDY)
    leg = taken.leg
    other = suspense if movement == SUBSIDY else business
    return {
        "activity_id": taken.activity_id,
        "merchant_party": leg.merchant_party if leg else suspense,
        "other_party": leg.funder_party if leg else other,
        "movement_type": f"{movement}_refund",
        "rule_id": leg.rule_id if leg else BEYOND,
        "amount_fen": taken.amount_fen,
    }
