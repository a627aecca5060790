"""A resort's bookings (António, de Almeida, Nunes 2019, hotel H1) as deliveries of the hotel's PMS.

A booking is delivered on the date of its last status: every booking as a reservation and a guest, a
checked-out one also as a stay and a folio. The set has no guest id, so every booking is a guest of
its own, also a repeated guest's: which earlier booking was theirs is not said. It has no clock
times either: check-in is put at 15:00, check-out and the bill at 12:00, or at 18:00 on the day of
arrival.
"""

from datetime import date, time, timedelta
from pathlib import Path

import polars as pl

from ingest.connectors.common import (
    DELIVERY_DATE,
    Connected,
    SetAccount,
    fen,
    last_date,
    read_set,
    whole_weeks,
)

SOURCE = "hotel"
FILE = "hotel/resort_bookings.parquet"
CHECK_IN = timedelta(hours=15)
CHECK_OUT = timedelta(hours=12)
DAY_USE_CHECK_OUT = timedelta(hours=18)
STATUSES = {"Check-Out": "checked_out", "Canceled": "cancelled", "No-Show": "no_show"}
CHANNELS = {"TA/TO": "agency", "Corporate": "corporate", "Direct": "direct", "GDS": "agency"}
SEGMENTS = {
    "Online TA": "agency",
    "Offline TA/TO": "agency",
    "Groups": "agency",
    "Corporate": "corporate",
    "Direct": "direct",
    "Complementary": "direct",
}


def connect(data: Path, last_night: date, cut_off: time) -> Connected:
    """Read the set under `data` and map it; its last status falls in the week up to `last_night`.

    `cut_off` is not needed: the hotel gives its own audit dates.
    """
    raw = read_set(data / FILE)
    dated = bookings(raw)
    shift_days = whole_weeks(last_date(dated), last_night)
    shift = timedelta(days=shift_days)
    dates = ["created_date", "arrival_date", "departure_date", DELIVERY_DATE]
    shifted = dated.with_columns(pl.col(dates) + shift)
    tables = {
        "guests": guests(shifted),
        "reservations": reservations(shifted),
        "stays": stays(shifted),
        "folios": folios(shifted),
    }
    repeated = raw["IsRepeatedGuest"].sum()
    ended = raw.filter(pl.col("ReservationStatus") == "Check-Out")
    nights = pl.col("StaysInWeekendNights") + pl.col("StaysInWeekNights")
    account = SetAccount(
        file=FILE,
        rows=raw.height,
        used=tables["reservations"].height,
        written={name: table.height for name, table in tables.items()},
        amount_fen=round(ended.select((pl.col("ADR") * nights).sum()).item() * 100),
        written_fen=int(tables["folios"]["paid_fen"].sum()),
        notes=[
            *(
                f"{count} bookings ended as {status}: a reservation without stay and folio"
                for status, count in sorted(dated["status"].value_counts().rows())
                if status != "checked_out"
            ),
            f"{repeated} bookings of repeated guests are new guests: the set does not say whose",
        ],
    )
    return Connected(SOURCE, shift_days, tables, [account])


def bookings(raw: pl.DataFrame) -> pl.DataFrame:
    """Each row as a numbered booking on the hotel's own dates, in the words of its contract.

    Columns: number, reservation_no, guest_id, status, channel, agent_code, room_type, created_date,
    arrival_date, departure_date (booked; for a checked-out one the real one), night_count, rate_fen
    (per night), delivery_date (date of the last status). An unknown status or channel passes as it
    is: the contract refuses it by name.
    """
    parts = ("ArrivalDateYear", "ArrivalDateMonth", "ArrivalDateDayOfMonth")
    arrival = pl.concat_str(*parts, separator=" ").str.to_date("%Y %B %d")
    night_count = (pl.col("StaysInWeekendNights") + pl.col("StaysInWeekNights")).cast(pl.Int64)
    status_date = pl.col("ReservationStatusDate").dt.date()
    left = pl.col("ReservationStatus") == "Check-Out"
    channel = pl.col("DistributionChannel").str.strip_chars()
    segment = pl.col("MarketSegment").str.strip_chars()
    agent = pl.col("Agent").str.strip_chars()
    number = pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6)
    return raw.select(
        number.alias("number"),
        ("R" + number).alias("reservation_no"),
        ("G" + number).alias("guest_id"),
        pl.col("ReservationStatus").replace(STATUSES).alias("status"),
        pl.when(channel == "Undefined")
        .then(segment.replace(SEGMENTS))
        .otherwise(channel.replace(CHANNELS))
        .alias("channel"),
        pl.when(agent != "NULL").then("A" + agent).alias("agent_code"),
        pl.col("ReservedRoomType").str.strip_chars().alias("room_type"),
        (arrival - pl.duration(days="LeadTime")).alias("created_date"),
        arrival.alias("arrival_date"),
        pl.when(left)
        .then(status_date)
        .otherwise(arrival + pl.duration(days=night_count))
        .alias("departure_date"),
        night_count.alias("night_count"),
        fen("ADR").alias("rate_fen"),
        status_date.alias(DELIVERY_DATE),
    ).sort(DELIVERY_DATE, "number")


def guests(booked: pl.DataFrame) -> pl.DataFrame:
    """One guest a booking, of whom nothing is known but when they first booked."""
    return booked.select(
        "guest_id",
        "created_date",
        pl.lit(False).alias("is_marketing_consented"),  # nobody asked them
        DELIVERY_DATE,
    )


def reservations(booked: pl.DataFrame) -> pl.DataFrame:
    """Every booking with its last status."""
    return booked.select(
        "reservation_no",
        "guest_id",
        "channel",
        "agent_code",
        "arrival_date",
        "departure_date",
        "room_type",
        "status",
        DELIVERY_DATE,
    )


def stays(booked: pl.DataFrame) -> pl.DataFrame:
    """The stays that ended. Nights are those of the set; a few of its guests left before them."""
    return _ended(booked).select(
        "stay_no",
        "reservation_no",
        "guest_id",
        (pl.col("arrival_date").cast(pl.Datetime("us")) + CHECK_IN).alias("check_in_at"),
        pl.col("closed_at").alias("check_out_at"),
        "night_count",
        pl.col("departure_date").alias("audit_date"),
        DELIVERY_DATE,
    )


def folios(booked: pl.DataFrame) -> pl.DataFrame:
    """One bill a stay, rate times nights, closed on departure; odd rates pass as they are."""
    amount = pl.col("rate_fen") * pl.col("night_count")
    return _ended(booked).select(
        ("F" + pl.col("number")).alias("folio_no"),
        "stay_no",
        "guest_id",
        "closed_at",
        pl.col("departure_date").alias("audit_date"),
        "channel",
        amount.alias("gross_fen"),
        pl.lit(0, pl.Int64).alias("discount_fen"),
        amount.alias("paid_fen"),
        pl.lit(0, pl.Int64).alias("points_used"),
        DELIVERY_DATE,
    )


def _ended(booked: pl.DataFrame) -> pl.DataFrame:
    is_day_use = pl.col("departure_date") == pl.col("arrival_date")
    clock = pl.when(is_day_use).then(DAY_USE_CHECK_OUT).otherwise(CHECK_OUT)
    return booked.filter(pl.col("status") == "checked_out").with_columns(
        ("S" + pl.col("number")).alias("stay_no"),
        (pl.col("departure_date").cast(pl.Datetime("us")) + clock).alias("closed_at"),
    )
