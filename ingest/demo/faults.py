"""The hazards of the demo group as data: what goes wrong in real extracts, and how often.

Identity hazards are rates on accounts; the modules of the businesses apply them when they make
accounts. Row faults are rates on delivered rows; `soil` applies them just before the rows are
written.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.core.contract import Column, Table
from ingest.demo.world import Flags, Ints
from ingest.landing import YUAN

# What people type when the form insists on a number.
PLACEHOLDER_NUMBERS = (13800138000, 11111111111, 0, 12345678901, 13000000000)
ABSURD_BIRTH_DATES = ("1753-01-01", "1900-01-01", "2099-12-31", "9880-05-01")
BAD_DATES = ("2026-13-45", "0000-00-00", "29/10/2026")


@dataclass(frozen=True)
class Rates:
    """Shares between 0 and 1. The mall's follow a real department store's published statistics."""

    # People
    changed_number: float = 0.04  # of people had another mobile number within the last year
    recycled_number: float = 0.30  # of given-up numbers went to another customer of the group
    old_number_kept: float = 0.65  # of accounts that still show the given-up number
    second_profile: float = 0.015  # of people hold a second account in the same business
    rare_character: float = 0.002  # of people have a character outside GBK in the name

    # Contact data of one account
    child_uses_parent_phone: float = 0.90
    elder_uses_family_phone: float = 0.30
    adult_uses_family_phone: float = 0.03
    placeholder_phone: float = 0.004
    mistyped_phone: float = 0.006
    missing_phone: float = 0.03
    mistyped_name: float = 0.008
    phone_with_country_code: float = 0.04
    phone_with_spaces: float = 0.03
    phone_in_full_width: float = 0.005
    plate_spelled_otherwise: float = 0.03
    consent_changed: float = 0.03

    # Mall (194,760 members of a department store, 1,893,532 lines)
    anonymous_lines: float = 0.537
    member_without_card: float = 0.12  # of members' receipts, bought without showing the card
    missing_birth_date: float = 0.176
    missing_gender: float = 0.048
    absurd_birth_date: float = 0.005
    repeated_member_rows: float = 6 / 194_760
    returned_receipts: float = 0.032
    partial_returns: float = 0.35
    payment_missing_in_bill: float = 1 / 2_000
    return_of_unknown_receipt: float = 0.02  # of returns: the original is older than the history
    overdrawn_redemptions: float = 0.003  # the till was offline and took up to twice the balance

    # Hotel
    pinyin_name: float = 0.14
    traditional_name: float = 0.04
    agent_profile: float = 0.10  # booked by an agent, under the agent's phone
    missing_document: float = 0.12

    # Parking and property
    second_driver: float = 0.15  # of cars are bound by two members of the household
    sold_car: float = 0.03
    former_tenant: float = 0.60  # of rented flats

    # Rows
    bad_date: float = 0.0002
    empty_required: float = 0.0001
    three_decimals: float = 0.0002
    repeated_row: float = 0.0003
    conflicting_pairs: float = 0.2  # number in a table of at least FULL_DELIVERY_ROWS


RATES = Rates()

FULL_DELIVERY_ROWS = 400
# Reference tables that the vendors keep tidy, the bills, whose summary vouches for every amount,
# and the list that somebody signed.
TIDY_TABLES = {"units", "merchants", "fee_bills", "trades", "split_lines", "legacy_balances"}
# The column in which two rows of one key contradict each other.
CONFLICT_COLUMN = {
    "members": "member_name",
    "guests": "guest_name",
    "sales": "till_no",
    "residents": "resident_name",
    "fee_payments": "resident_no",
    "sessions": "lot_no",
}


def soil(
    frame: pl.DataFrame, table: Table, rng: np.random.Generator, is_first: bool
) -> tuple[pl.DataFrame, Counter[str]]:
    """The rows of one delivered table with their faults, and how many there are of each kind.

    A column that gets a fault its type cannot hold becomes text as it stands in the file. The
    column of the control total stays right, so totals can be checked whatever is refused. A first
    delivery holds repeated member rows and a contradiction in any case.
    """
    made: Counter[str] = Counter()
    if frame.height == 0:
        return frame, made
    if table.name not in TIDY_TABLES:
        frame = _spoil_cells(frame, table, rng, made)
    repeated = _repeated_rows(table, frame.height, rng, is_first)
    made["repeated_rows"] = len(repeated)
    pieces = [frame, frame[repeated.tolist()]]
    if table.name in CONFLICT_COLUMN:
        share = RATES.conflicting_pairs * min(1, frame.height / FULL_DELIVERY_ROWS)
        count = max(int(rng.poisson(share)), int(is_first))
        places = rng.integers(0, frame.height, count)
        made["conflicting_pairs"] = len(places)
        other = pl.col(CONFLICT_COLUMN[table.name]).fill_null("") + "?"
        pieces.append(frame[places.tolist()].with_columns(other))
    return pl.concat(pieces), made


def _repeated_rows(table: Table, row_count: int, rng: np.random.Generator, is_first: bool) -> Ints:
    is_members = table.name == "members"
    rate = RATES.repeated_member_rows if is_members else RATES.repeated_row
    if any(column.ordinal_within for column in table.columns):
        rate = 0.0  # where rows are only counted, a repeated one is one more
    count = int(rng.poisson(rate * row_count))
    if is_members and is_first:
        count = max(count, 2)
    return rng.integers(0, row_count, count)


def _spoil_cells(
    frame: pl.DataFrame, table: Table, rng: np.random.Generator, made: Counter[str]
) -> pl.DataFrame:
    """Bad dates and amounts with a third decimal in text formats, empty required cells in all.

    Keys stay right, and what the control total adds or follows from.
    """
    total = [column for column in table.columns if column.name == table.control_total]
    kept = {*table.key, *(name for column in total for name in column.product_of)}
    columns = [column for column in table.file_columns if column.name not in kept]
    dated = [c for c in columns if c.data_type in ("date", "timestamp")]
    required = [c for c in columns if c.required and c.data_type == "varchar"]
    amounts = [c for c in columns if c.unit == "yuan" and c.name != table.control_total]
    if table.format == "parquet":
        dated, amounts = [], []
    if dated:
        bad = pl.Series(BAD_DATES).gather(rng.integers(0, len(BAD_DATES), frame.height))
        hit = rng.random(frame.height) < RATES.bad_date
        frame = _overwrite(frame, dated[0], hit, bad)
        made["bad_dates"] = int(hit.sum())
    if required:
        hit = rng.random(frame.height) < RATES.empty_required
        frame = _overwrite(frame, required[0], hit, pl.Series([None], dtype=pl.String))
        made["empty_required"] = int(hit.sum())
    if amounts:
        hit = rng.random(frame.height) < RATES.three_decimals
        frame = _overwrite(frame, amounts[0], hit, _text(frame, amounts[0]) + "5")
        made["three_decimals"] = int(hit.sum())
    return frame


def _overwrite(frame: pl.DataFrame, column: Column, hit: Flags, values: pl.Series) -> pl.DataFrame:
    if not hit.any():
        return frame
    spoilt = values.zip_with(pl.Series(hit), _text(frame, column))
    return frame.with_columns(spoilt.alias(column.name))


def _text(frame: pl.DataFrame, column: Column) -> pl.Series:
    """A column as text, as its file would hold it."""
    values = frame[column.name]
    if column.data_type == "date":
        return values.dt.strftime("%Y-%m-%d")
    if column.data_type == "timestamp":
        return values.dt.strftime("%Y-%m-%d %H:%M:%S")
    return (values.cast(YUAN) / 100).cast(pl.String) if column.unit == "yuan" else values
