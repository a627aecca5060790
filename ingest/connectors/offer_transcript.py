"""A coffee chain's month of offers as deliveries of the mini-program.

Profiles are users. Of the transcript, a transaction is an order; offers received, viewed and
completed are events under the header that the set itself uses: `offer id` where an offer is
received or viewed, `offer_id` where it is completed. The contract knows both, so nothing is
renamed here.

Clocks: the set counts hours from a start that it does not date. It is put at the beginning of the
business day after the last profile joined, so nobody acts before joining. A row has no key, and
some say the same, so its number in the file is its id.
"""

from datetime import date, datetime, time, timedelta
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
    whole_weeks,
)
from ingest.core.errors import Problem

SOURCE = "miniprogram"
FOLDER = "behaviour"
TRANSACTION = "transaction"
EVENT_TYPES = {
    "offer received": "offer_received",
    "offer viewed": "offer_viewed",
    "offer completed": "offer_completed",
}
GENDERS = {"F": "female", "M": "male"}
UNKNOWN_AGE = 118
POINTS_A_YUAN = 100  # a reward is an amount; one point pays one fen
FLOAT_NOISE_FEN = 1e-6
NO_PLACE = "the mini-program's contract has no table for it"


def connect(data: Path, last_night: date, cut_off: time) -> Connected:
    """Read the set under `data` and map it; its last row falls in the week up to `last_night`."""
    folder = data / FOLDER
    profile = read_set(folder / "profile.parquet")
    transcript = read_set(folder / "transcript.parquet")
    portfolio = read_set(folder / "portfolio.parquet")

    joined = users(profile)
    rows = dated_rows(transcript, last_date(joined) + timedelta(days=1), cut_off)
    shift_days = whole_weeks(last_date(rows), last_night)
    shift = timedelta(days=shift_days)
    rows = rows.with_columns(pl.col("at", DELIVERY_DATE) + shift)
    tables = {
        "users": joined.with_columns(pl.col("registered_date", DELIVERY_DATE) + shift),
        "events": events(rows),
        "orders": orders(rows),
    }
    members = SetAccount(
        file=f"{FOLDER}/profile.parquet",
        rows=profile.height,
        used=tables["users"].height,
        written={"users": tables["users"].height},
        notes=_profile_notes(profile),
    )
    written = {name: tables[name].height for name in ("events", "orders")}
    amount = pl.col("value").struct.field("amount")
    happened = SetAccount(
        file=f"{FOLDER}/transcript.parquet",
        rows=transcript.height,
        used=sum(written.values()),
        written=written,
        amount_fen=round(transcript.select(amount.sum()).item() * 100),
        written_fen=int(tables["orders"]["paid_fen"].sum()),
        notes=_transcript_notes(transcript, tables["events"]),
    )
    offers = {NO_PLACE: portfolio.height}
    idle = SetAccount(f"{FOLDER}/portfolio.parquet", portfolio.height, 0, left_out=offers)
    return Connected(SOURCE, shift_days, tables, [members, happened, idle])


def users(profile: pl.DataFrame) -> pl.DataFrame:
    """Every profile as a user; of the rest of it the contract knows the gender, male or female."""
    joined = pl.col("became_member_on").str.to_date("%Y%m%d")
    return profile.select(
        pl.col("id").alias("user_id"),
        pl.col("gender").replace_strict(GENDERS, default=None, return_dtype=pl.String),
        joined.alias("registered_date"),
        pl.lit(False).alias("is_marketing_consented"),  # nobody asked them
        joined.alias(DELIVERY_DATE),
    ).sort(DELIVERY_DATE, "user_id")


def dated_rows(transcript: pl.DataFrame, first_day: date, cut_off: time) -> pl.DataFrame:
    """The transcript's rows by time: number, user_id, event, at, the parts of value, delivery_date.

    Problem if an amount is not a whole number of fen, but for the noise of its binary form.
    """
    start = datetime.combine(first_day, cut_off)
    rows = transcript.select(
        pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(6).alias("number"),
        pl.col("person").alias("user_id"),
        "event",
        (pl.lit(start) + pl.duration(hours="time")).alias("at"),
        "value",
    ).unnest("value")
    noise = rows.select((pl.col("amount") * 100 - fen("amount")).abs().max()).item()
    if noise is not None and noise > FLOAT_NOISE_FEN:
        raise Problem(f"{FOLDER}/transcript.parquet: an amount has more than two decimals")
    dated = rows.with_columns(business_date("at", cut_off).alias(DELIVERY_DATE))
    return dated.sort("at", "number")


def events(rows: pl.DataFrame) -> pl.DataFrame:
    """Everything but transactions; an unknown word passes as it is: the contract refuses it."""
    return rows.filter(pl.col("event") != TRANSACTION).select(
        ("E" + pl.col("number")).alias("event_id"),
        "user_id",
        pl.col("event").replace(EVENT_TYPES).alias("event_type"),
        pl.col("at").alias("occurred_at"),
        "offer_id",
        "offer id",
        (pl.col("reward") * POINTS_A_YUAN).alias("reward_points"),
        DELIVERY_DATE,
    )


def orders(rows: pl.DataFrame) -> pl.DataFrame:
    """Transactions; the set knows neither list prices nor refunds."""
    return rows.filter(pl.col("event") == TRANSACTION).select(
        ("T" + pl.col("number")).alias("order_no"),
        "user_id",
        pl.col("at").alias("paid_at"),
        fen("amount").alias("gross_fen"),
        fen("amount").alias("paid_fen"),
        DELIVERY_DATE,
    )


def _profile_notes(profile: pl.DataFrame) -> list[str]:
    """What of the profiles was not taken over."""
    ageless = profile.filter(pl.col("age") == UNKNOWN_AGE)
    genderless = ageless["gender"].null_count()
    other = profile.filter(~pl.col("gender").is_in(list(GENDERS))).height
    return [
        f"{ageless.height} profiles say age {UNKNOWN_AGE}, so unknown; {genderless} lack a gender",
        f"{other} profiles have a gender that the contract does not know; they come without",
        "age and income are left out: the contract has no column for them",
    ]


def _transcript_notes(transcript: pl.DataFrame, written: pl.DataFrame) -> list[str]:
    """What a reader of the counts should know about headers, repetitions and amounts."""
    old, new = (written[name].count() for name in ("offer id", "offer_id"))
    repeated = transcript.height - transcript.n_unique()
    return [
        f"{old} events name their offer under 'offer id', {new} under 'offer_id', as in the set",
        f"{repeated} rows say what another one says; each is an event of its own",
        "amounts are binary fractions; without their noise every one is a whole number of fen",
    ]
