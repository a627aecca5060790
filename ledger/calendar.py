"""Calendar arithmetic on days counted from 1970-01-01, a whole array at a time."""

from datetime import date

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int64]
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days from 1970-01-01 to `day`."""
    return (day - EPOCH).days


def add_months(days: Days, months: Days | int) -> Days:
    """The same day of the month, so many months later (or earlier, if negative), for each day.

    Where that month is shorter it is its last day (RULES §1): 2024-02-29 + 12 = 2025-02-28.
    """
    dates = days.astype("datetime64[D]")
    own_month = dates.astype("datetime64[M]")
    month = own_month + np.asarray(months, dtype="timedelta64[M]")
    day_of_month = dates - own_month.astype("datetime64[D]")
    month_start = month.astype("datetime64[D]")
    last_of_month = (month + 1).astype("datetime64[D]") - month_start - 1
    result: Days = (month_start + np.minimum(day_of_month, last_of_month)).astype(np.int64)
    return result


def period_end(days: Days, months: Days | int) -> Days:
    """The last day of the month (1), quarter (3), half-year (6) or year (12) that each day lies in.

    Periods are counted from January; 0 leaves the day as it is.
    """
    length = np.maximum(np.asarray(months, dtype=np.int64), 1)
    month = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    next_period = ((month // length + 1) * length).astype("datetime64[M]")
    last_day = next_period.astype("datetime64[D]").astype(np.int64) - 1
    return np.where(np.asarray(months) > 0, last_day, days)


def day_in_year(days: Days, years: Days | int, month: Days | int, day_of_month: Days | int) -> Days:
    """A day of the year so many years after that of each day: 29 February is 28 where it must."""
    year = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + years
    start = (year * 12 + month - 1).astype("datetime64[M]")
    month_start = start.astype("datetime64[D]").astype(np.int64)
    length = (start + 1).astype("datetime64[D]").astype(np.int64) - month_start
    result: Days = month_start + np.minimum(day_of_month, length) - 1
    return result


def anniversary(days: Days, start: Days, number: Days | int) -> Days:
    """Of the anniversaries of a start, the first, second .. that comes after each day."""
    years = [array.astype("datetime64[D]").astype("datetime64[Y]") for array in (days, start)]
    count = np.maximum((years[0] - years[1]).astype(np.int64), 1)
    count += add_months(start, 12 * count) <= days
    return add_months(start, 12 * (count + number - 1))
