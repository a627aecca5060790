"""RULES §1: months are added with clamping to the end of the month."""

from datetime import date, timedelta

import numpy as np
import pytest

from ledger.calendar import add_months, day_number
from ledger.columns import as_date
from tests.ledger.tier_reference import months_later


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2023, 1, 31), 1, date(2023, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 12, 31), 2, date(2025, 2, 28)),
        (date(2026, 1, 31), -12, date(2025, 1, 31)),
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2024, 3, 30), -13, date(2023, 2, 28)),
        (date(2026, 4, 30), 1, date(2026, 5, 30)),
        (date(1969, 12, 31), 2, date(1970, 2, 28)),
        (date(2100, 1, 29), 1, date(2100, 2, 28)),
    ],
)
def test_adding_months_keeps_the_day_or_takes_the_last_of_the_month(
    start: date, months: int, end: date
) -> None:
    days = np.array([day_number(start)], dtype=np.int64)
    assert [as_date(day) for day in add_months(days, months).tolist()] == [end]


def test_a_window_of_twelve_months_that_ends_on_31_january_starts_on_1_february() -> None:
    days = np.array([day_number(date(2026, 1, 31))], dtype=np.int64)
    assert as_date(int(add_months(days, -12)[0]) + 1) == date(2025, 2, 1)


def test_every_day_of_eight_years_agrees_with_the_calendar_of_the_standard_library() -> None:
    dates = [date(2019, 1, 1) + timedelta(days=number) for number in range(8 * 366)]
    days = np.array([day_number(day) for day in dates], dtype=np.int64)
    for months in (-25, -12, -1, 0, 1, 6, 11, 12, 24):
        expected = [months_later(day, months) for day in dates]
        assert [as_date(day) for day in add_months(days, months).tolist()] == expected
