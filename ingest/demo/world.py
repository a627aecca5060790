"""Time, chance and numbers that all businesses of the demo group share.

Days are day numbers (1970-01-01 is 0), moments are local seconds since then, money is fen. Nothing
here reads a clock. Every draw comes from a generator of its own seed, made from the run's seed and
what is being drawn, so that a night's files do not depend on how many nights are made.
"""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Frames: TypeAlias = Mapping[str, pl.DataFrame]

DAY_SECONDS = 86_400
CUT_OFF_SECONDS = 4 * 3_600  # the business day runs from 04:00 to 04:00
NEVER = 200_000  # a day number long after everything
HISTORY_SPAN_DAYS = 25  # the history is drawn in pieces of this size, which bounds memory
SPREAD = 61_803_399  # no common factor with a power of ten

# Weekday (Monday first) and month make a mall full or empty; 1 is an average day.
WEEKDAY_FACTOR = np.array([0.80, 0.80, 0.82, 0.88, 1.08, 1.38, 1.24])
MONTH_FACTOR = np.array([1.12, 1.05, 0.92, 0.94, 1.00, 0.96, 0.94, 0.95, 0.98, 1.06, 1.06, 1.08])


@dataclass(frozen=True)
class Group:
    """The arguments of a run: who, when, how much. The same arguments give the same bytes."""

    people_count: int
    first_night: date
    night_count: int
    history_days: int
    seed: int
    activity_percent: int = 100

    @property
    def first_day(self) -> int:
        """Day number of the first delivery."""
        return day_number(self.first_night)

    @property
    def offset(self) -> int:
        """What the seed adds to made-up numbers."""
        return self.seed % 10**8

    @property
    def volume(self) -> float:
        """Factor on the number of activities: people times how busy they are."""
        return self.people_count * self.activity_percent / 100

    def deliveries(self) -> Iterator[tuple[date, list["Span"]]]:
        """Business date of each delivery and the spans of days whose activities it holds."""
        start = self.first_day - self.history_days
        history = [
            Span(first, min(HISTORY_SPAN_DAYS, self.first_day - first))
            for first in range(start, self.first_day, HISTORY_SPAN_DAYS)
        ]
        yield self.first_night, [*history, Span(self.first_day, 1)]
        for night in range(1, self.night_count):
            span = Span(self.first_day + night, 1)
            yield self.first_night + timedelta(days=night), [span]


@dataclass(frozen=True)
class Span:
    """Consecutive business days that are drawn at once."""

    first_day: int
    day_count: int

    @property
    def last_day(self) -> int:
        """Its last day; a span is never empty."""
        return self.first_day + self.day_count - 1

    @property
    def days(self) -> Ints:
        """All of its days, ascending."""
        return np.arange(self.first_day, self.first_day + self.day_count)

    def holds(self, day: Ints) -> Flags:
        """Which of these days lie in the span."""
        return (day >= self.first_day) & (day <= self.last_day)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def chance(group: Group, *purpose: int | str) -> np.random.Generator:
    """The generator for one purpose: its draws depend on the seed and the purpose alone."""
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in purpose]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([group.seed, *words])))


def flip(rng: np.random.Generator, count: int, share: float) -> Flags:
    """`count` independent yes or no, yes with the given share."""
    return rng.random(count) < share


def pick(rng: np.random.Generator, weights: Floats, count: int) -> Ints:
    """`count` positions in `weights`, drawn in proportion to them."""
    if count == 0:
        return np.zeros(0, dtype=np.int64)
    borders = np.cumsum(weights)
    positions: Ints = np.searchsorted(borders, rng.random(count) * borders[-1], side="right")
    return np.minimum(positions, len(weights) - 1)


def eager(rng: np.random.Generator, count: int, shape: float) -> Floats:
    """How often each of `count` customers comes: a few very often, most hardly ever. Mean 1."""
    visits: Floats = rng.gamma(shape, 1 / shape, count)
    return visits


def spread(numbers: Ints, digits: int, offset: int = 0) -> Ints:
    """Distinct numbers of at most `digits` digits for distinct small numbers, looking arbitrary."""
    scattered: Ints = (numbers * SPREAD + offset) % 10**digits
    return scattered


def busy(days: Ints) -> Floats:
    """How full an average place is on each day; 1 is average."""
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    factor: Floats = WEEKDAY_FACTOR[(days + 3) % 7] * MONTH_FACTOR[month]
    return factor


def days_of_events(rng: np.random.Generator, span: Span, per_day: float) -> Ints:
    """Business days of all events of a span, ascending; `per_day` is the average."""
    counts = rng.poisson(busy(span.days) * per_day)
    return np.repeat(span.days, counts)


def rank_in_group(group: Ints) -> Ints:
    """0, 1, 2, … within each run of equal values; equal values stand together."""
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else group
    return np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))


def within(hours: Floats, first: float, last: Floats | float) -> Floats:
    """Hours mirrored at the limits, so that nobody queues at the very minute of opening."""
    hours = np.where(hours < first, 2 * first - hours, hours)
    return np.clip(np.where(hours > last, 2 * last - hours, hours), first, last)


def first_of_each(values: Ints) -> Flags:
    """Marks the first occurrence of each value."""
    mark = np.zeros(len(values), dtype=np.bool_)
    mark[np.unique(values, return_index=True)[1]] = True
    return mark


def shares_of(amounts: Ints, total: Ints, part: Ints) -> Ints:
    """Each row of `amounts` (summing to `total`) scaled to sum to `part`: largest remainder, then
    first place (RULES §10).
    """
    total = np.maximum(total, 1)[:, None]
    exact = amounts * part[:, None]
    shares, remainder = exact // total, exact % total
    missing = part - shares.sum(axis=1)
    order = np.argsort(np.argsort(-remainder, axis=1, kind="stable"), axis=1, kind="stable")
    given: Ints = shares + (order < missing[:, None])
    return given


def dates(days: Ints) -> pl.Series:
    """Dates of day numbers; NEVER becomes NULL."""
    return blank(pl.Series(days.astype(np.int32)).cast(pl.Date), days >= NEVER)


def moments(seconds: Ints) -> pl.Series:
    """Local timestamps of seconds."""
    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us"))


def digits(prefix: str, numbers: Ints, width: int) -> pl.Series:
    """Texts of a prefix and a number with leading zeros."""
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(width)


def day_digits(days: Ints) -> pl.Series:
    """Dates as YYMMDD, as they stand in document numbers."""
    distinct, position = np.unique(days, return_inverse=True)
    return dates(distinct).dt.strftime("%y%m%d").gather(position)


def choose(texts: pl.Series, numbers: Ints) -> pl.Series:
    """Texts by position; a negative position becomes NULL."""
    return blank(texts.gather(np.maximum(numbers, 0)), numbers < 0)


def blank(series: pl.Series, is_blank: Flags) -> pl.Series:
    """The series with NULL where marked."""
    return series.zip_with(pl.Series(~is_blank), pl.Series([None], dtype=series.dtype))
