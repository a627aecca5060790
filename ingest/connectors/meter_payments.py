"""Payments at parking meters in one September as deliveries of the car parks.

A row with money in it is a parking session and its payment: by card if approved, by coins without
any status, as coins need nobody's approval. Rows without money (declined, cancelled, maintenance)
are left out, by reason. A meter sells time: the session runs from the start to the end of the time
bought, exactly 20 seconds a fen. The file's payment clock shows twelve hours without saying morning
or evening, so the payment is put at the start of the time that it bought. The file's instants are
UTC: its printed ends of parking are theirs on New York's clock.
"""

from datetime import date, time, timedelta
from pathlib import Path

import polars as pl

from ingest.connectors.common import (
    DELIVERY_DATE,
    Connected,
    SetAccount,
    business_date,
    fen,
    last_date,
    read_set,
    wall_clock,
    whole_weeks,
)

SOURCE = "parking"
FILE = "parking/meter_payments_2017-09.parquet"
METER_TIME_ZONE = "America/New_York"
NO_PLATE = "N/A"  # single-space meters ask for no plate
PLATE_PREFIX = "ANON"  # the set's plates are stand-in numbers, some of them of one or two digits


def connect(data: Path, last_night: date, cut_off: time) -> Connected:
    """Read the set under `data` and map it; its last row is in the week up to `last_night`."""
    raw = read_set(data / FILE)
    paid = sessions_paid(raw, cut_off)
    shift_days = whole_weeks(last_date(paid), last_night)
    shift = timedelta(days=shift_days)
    shifted = paid.with_columns(pl.col("entered_at", "exited_at", DELIVERY_DATE) + shift)
    tables = {
        "vehicles": vehicles(shifted),
        "sessions": sessions(shifted),
        "payments": payments(shifted),
    }
    no_plate = paid.filter(pl.col("plate_no") == NO_PLATE)
    account = SetAccount(
        file=FILE,
        rows=raw.height,
        used=paid.height,
        written={name: table.height for name, table in tables.items()},
        left_out=unpaid_reasons(raw),
        amount_fen=round(raw["total"].sum() * 100),
        written_fen=int(tables["payments"]["paid_fen"].sum()),
        notes=[f"{no_plate.height} sessions have no plate and stay anonymous"],
    )
    return Connected(SOURCE, shift_days, tables, [account])


def sessions_paid(raw: pl.DataFrame, cut_off: time) -> pl.DataFrame:
    """The rows with money as sessions, by their end.

    Columns: number, lot_no, plate_no, entered_at, exited_at (wall clock), paid_fen, delivery_date
    (business date of the end).
    """
    plate = pl.col("licenseplateanon")
    rows = raw.filter(fen("total") != 0).select(
        pl.col("recordid").cast(pl.String).str.zfill(6).alias("number"),
        pl.col("spacename").alias("lot_no"),
        pl.when(plate == NO_PLATE).then(plate).otherwise(PLATE_PREFIX + plate).alias("plate_no"),
        wall_clock("start_time", METER_TIME_ZONE).alias("entered_at"),
        wall_clock("time", METER_TIME_ZONE).alias("exited_at"),
        fen("total").alias("paid_fen"),
    )
    dated = rows.with_columns(business_date("exited_at", cut_off).alias(DELIVERY_DATE))
    return dated.sort("exited_at", "number")


def unpaid_reasons(raw: pl.DataFrame) -> dict[str, int]:
    """Rows without money, counted by what the meter says about them."""
    kind = pl.col("transactiontype").str.strip_chars()
    status = pl.col("transactionstatus").replace({"": "no status"})
    reason = pl.format("no money: {}, {}", kind, status)
    unpaid = raw.filter(fen("total") == 0).select(reason.alias("reason"))
    counts = unpaid.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return {str(text): int(count) for text, count in counts.rows()}


def vehicles(paid: pl.DataFrame) -> pl.DataFrame:
    """Each plate as an account, bound when first seen: there is no other customer key."""
    first_seen = paid.filter(pl.col("plate_no") != NO_PLATE).group_by("plate_no")
    return (
        first_seen.agg(pl.col(DELIVERY_DATE).min())
        .sort(DELIVERY_DATE, "plate_no")
        .select(
            ("V" + pl.col("plate_no").str.strip_prefix(PLATE_PREFIX)).alias("vehicle_id"),
            "plate_no",
            pl.col(DELIVERY_DATE).alias("bound_date"),
            pl.lit(False).alias("is_marketing_consented"),  # nobody asked them
            DELIVERY_DATE,
        )
    )


def sessions(paid: pl.DataFrame) -> pl.DataFrame:
    """One session a payment; the meter is the car park."""
    return paid.select(
        ("S" + pl.col("number")).alias("session_no"),
        "lot_no",
        "plate_no",
        "entered_at",
        "exited_at",
        DELIVERY_DATE,
    )


def payments(paid: pl.DataFrame) -> pl.DataFrame:
    """One payment a session, delivered with it."""
    return paid.select(
        ("P" + pl.col("number")).alias("payment_no"),
        ("S" + pl.col("number")).alias("session_no"),
        pl.col("entered_at").alias("paid_at"),
        "paid_fen",
        pl.lit(0, pl.Int64).alias("points_used"),
        DELIVERY_DATE,
    )
