"""Which night of a backfill comes next, and which ranges are refused before anything runs."""

from datetime import date
from pathlib import Path

import pytest

from dags.dates import Next, next_night
from dags.runner import Trouble
from tests.dags.small_lake import roll_back_small_lake, small_lake

ENDED = date(2026, 4, 20)


def of_small_lake(tmp_path: Path, first: str, last: str) -> Next | None:
    return next_night(small_lake(tmp_path), first, last, ENDED)  # published up to 30 March


def test_an_empty_lake_begins_with_the_first_date(tmp_path: Path) -> None:
    found = next_night(tmp_path, "2026-03-01", "2026-03-02", ENDED)
    assert found == Next(date(2026, 3, 1), is_last=False)
    assert next_night(tmp_path, "2026-03-01", "2026-03-01", ENDED) == Next(date(2026, 3, 1), True)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-03-31", "2026-04-02", Next(date(2026, 3, 31), is_last=False)),
        ("2026-03-31", "2026-03-31", Next(date(2026, 3, 31), is_last=True)),
        ("2026-03-01", "2026-04-02", Next(date(2026, 3, 31), is_last=False)),  # behind what is done
        ("2026-03-01", "2026-03-31", Next(date(2026, 3, 31), is_last=True)),
        ("2026-03-01", "2026-03-30", None),  # all of it is published
        ("2026-03-31", "2026-04-20", Next(date(2026, 3, 31), is_last=False)),  # the last that ended
    ],
)
def test_the_first_date_that_is_not_published_is_next(
    tmp_path: Path, first: str, last: str, expected: Next | None
) -> None:
    assert of_small_lake(tmp_path, first, last) == expected


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-04-02", "2026-04-01", "from_date 2026-04-02 is after to_date 2026-04-01"),
        ("2026-03-31", "2026-04-21", "to_date 2026-04-21 is not over yet"),
        ("2026-04-01", "2026-04-02", "leaves out nights: .* begin with 2026-03-31"),
        ("2023-03-31", "2026-04-02", "more than 1000 nights"),
        ("2026-02-30", "2026-04-02", "from_date 2026-02-30 is no date"),
        ("2026-03-31", "20260401", "to_date 20260401 is no date"),
        ("2026-03-31", "", "to_date  is no date"),
    ],
)
def test_a_range_that_cannot_be_run_is_refused_in_one_line(
    tmp_path: Path, first: str, last: str, said: str
) -> None:
    with pytest.raises(Trouble, match=said) as refused:
        of_small_lake(tmp_path, first, last)
    assert "\n" not in str(refused.value)


def test_after_a_rollback_the_range_goes_on_from_the_last_version(tmp_path: Path) -> None:
    lake = small_lake(tmp_path)
    roll_back_small_lake(lake)
    found = next_night(lake, "2026-03-31", "2026-04-02", ENDED)
    assert found == Next(date(2026, 4, 1), is_last=False)
