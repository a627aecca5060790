"""What every connector shares: whole weeks, wall clocks, and the account of where each row went."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from pathlib import Path

import polars as pl

from ingest.core.errors import Problem

DELIVERY_DATE = "delivery_date"
WEEK_DAYS = 7


@dataclass(frozen=True)
class SetAccount:
    """Where the rows of one third-party file went.

    `used` rows gave rows to the tables in `written`; every other row is in `left_out`, by reason.
    `amount_fen` is what the file adds up to, `written_fen` what the delivered rows do (None: no
    amounts).
    """

    file: str
    rows: int
    used: int
    written: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    amount_fen: int | None = None
    written_fen: int | None = None
    notes: Sequence[str] = ()

    @property
    def is_balanced(self) -> bool:
        """True if no row and no fen is unaccounted for."""
        rows_balance = self.rows == self.used + sum(self.left_out.values())
        return rows_balance and self.amount_fen == self.written_fen


@dataclass(frozen=True)
class Connected:
    """One source's landing tables, each with a `delivery_date`, the account of its files, and the
    rule books that it needs in place of the project's, by path.
    """

    source: str
    shift_days: int
    tables: Mapping[str, pl.DataFrame]
    accounts: Sequence[SetAccount]
    books: Mapping[str, object] = field(default_factory=dict)


def read_set(path: Path) -> pl.DataFrame:
    """Rows of one third-party Parquet file; Problem if it is missing or is not Parquet."""
    if not path.is_file():
        raise Problem(
            f"third-party data: {path} is missing; --data must name the folder that holds it"
        )
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise Problem(f"third-party data: {path} cannot be read as Parquet: {error}") from error


def last_date(table: pl.DataFrame) -> date:
    """The latest `delivery_date` of a table; Problem if it has no rows."""
    last = table[DELIVERY_DATE].max()
    if not isinstance(last, date):
        raise Problem("third-party data: a set holds no rows")
    return last


def whole_weeks(last_row_date: date, last_night: date) -> int:
    """Days, a multiple of 7, that bring the last row as late as can be but not past the last night.

    Weekdays keep their pattern and no row falls after the nights, where nobody would load it.
    """
    return (last_night - last_row_date).days // WEEK_DAYS * WEEK_DAYS


def fen(column: str) -> pl.Expr:
    """Amounts in units of money with two decimals, read as yuan, in whole fen."""
    return (pl.col(column) * 100).round().cast(pl.Int64)


def wall_clock(column: str, time_zone: str) -> pl.Expr:
    """What a clock on the wall showed at a UTC instant that is stored without its zone."""
    instant = pl.col(column).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return instant.dt.convert_time_zone(time_zone).dt.replace_time_zone(None)


def business_date(column: str, cut_off: time) -> pl.Expr:
    """Business date of a local timestamp: before the cut-off it is still yesterday."""
    passed = timedelta(hours=cut_off.hour, minutes=cut_off.minute)
    return (pl.col(column) - passed).dt.date()
