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
