"""A change of rules that moves too many members stops the night until somebody agrees."""

from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from exports.reader import Tonight
from exports.rule_guard import rule_change_failures
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.core.rule_agreements import agree

BEFORE, NIGHT = date(2026, 10, 28), date(2026, 10, 29)
BOOKS = "ab" * 32
TONIGHT = Tonight(NIGHT, BEFORE, "run", "run before", "input", "code", BOOKS)
THRESHOLD = ("programme/tiers.yml", "tiers[gold]/growth_threshold")


def books(lake: Lake, night: date, *values: tuple[str, date, date | None]) -> None:
    """The night's rule_values: the threshold's values with their days."""
    rows = [
        {"book": THRESHOLD[0], "path": THRESHOLD[1], "valid_from_date": begin,
         "valid_until_date": end, "value": value}
        for value, begin, end in values
    ]  # fmt: skip
    write_parquet(pa.Table.from_pylist(rows), lake.raw("rules", "rule_values", night))


def work(
    members: int, tiers_changed: int = 0, points_changed: int = 0
) -> duckdb.DuckDBPyConnection:
    """Marts of a night; each member also has a row that must not count."""
    database = duckdb.connect()
    database.execute(
        f"create table dim_members as select 'M' || range as member_id from range({members})"
    )
    database.execute(
        f"""
        create table fct_tier_changes as
        select 'M' || range as member_id, date '{NIGHT}' as posted_date, 'basic' as from_tier,
            if(range < {tiers_changed}, 'gold', 'basic') as to_tier from range({members})
        union all
        select 'M' || range, date '{BEFORE}', 'basic', 'gold' from range({members})
        """
    )
    database.execute(
        f"""
        create table fct_points_entries as
        select 'M' || range as member_id, date '{NIGHT}' as posted_date,
            if(range < {points_changed}, date '{BEFORE}', date '{NIGHT}') as business_date
        from range({members}), range(2) as entries(number)
        union all
        select 'M' || range, date '{BEFORE}', date '{BEFORE}' from range({members})
        """
    )
    return database


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two nights, on the second of which gold is cheaper."""
    lake = Lake(tmp_path)
    books(lake, BEFORE, ("20000", date(2024, 1, 1), None))
    books(lake, NIGHT, ("2000", date(2024, 1, 1), None))
    return lake


@pytest.mark.parametrize(
    ("members", "changed", "is_stopped"),
    [(10_000, 200, False), (10_000, 201, True), (300, 100, False), (300, 101, True)],
)
def test_two_members_of_a_hundred_may_change_and_a_hundred_in_any_case(
    lake: Lake, members: int, changed: int, is_stopped: bool
) -> None:
    [*by_tier] = rule_change_failures(work(members, tiers_changed=changed), lake, TONIGHT)
    [*by_points] = rule_change_failures(work(members, points_changed=changed), lake, TONIGHT)
    assert [len(by_tier), len(by_points)] == [is_stopped, is_stopped]


def test_the_message_counts_names_the_change_and_says_what_to_do(lake: Lake) -> None:
    [message] = rule_change_failures(work(10_000, 1_243, 201), lake, TONIGHT)
    assert message == (
        "rules: of 10000 members 1243 change tier and 201 have other points of earlier days, at"
        " most 200 may when rules change: programme/tiers.yml tiers[gold]/growth_threshold 20000"
        " -> 2000. If that is meant: python -m ingest rules --agree --date 2026-10-29 --by WHO"
        " --why WHY and run the night again; if not, mend the books first"
    )


def test_members_may_change_as_they_like_while_the_rules_stay(lake: Lake) -> None:
    books(lake, NIGHT, ("20000", date(2024, 1, 1), None))
    assert not [*rule_change_failures(work(300, 300, 300), lake, TONIGHT)]


@pytest.mark.parametrize(("begins", "is_stopped"), [(BEFORE, False), (NIGHT, True)])
def test_a_version_that_was_written_long_ago_changes_the_rules_on_its_first_day(
    lake: Lake, begins: date, is_stopped: bool
) -> None:
    for night in (BEFORE, NIGHT):
        books(lake, night, ("20000", date(2024, 1, 1), begins), ("2000", begins, None))
    assert len([*rule_change_failures(work(300, 300), lake, TONIGHT)]) == is_stopped


def test_the_first_night_changes_nothing(lake: Lake) -> None:
    first = Tonight(NIGHT, None, "run", None, "input", "code", BOOKS)
    assert not [*rule_change_failures(work(300, 300, 300), lake, first)]


@pytest.mark.parametrize(
    ("night", "version", "is_stopped"),
    [(NIGHT, BOOKS, False), (BEFORE, BOOKS, True), (NIGHT, "cd" * 32, True)],
)
def test_an_agreement_is_for_one_night_and_these_books(
    lake: Lake, night: date, version: str, is_stopped: bool
) -> None:
    agree(lake, night, version, "Zhou", "new charter")
    assert len([*rule_change_failures(work(300, 300), lake, TONIGHT)]) == is_stopped


def test_nobody_agrees_without_a_name_and_a_reason(lake: Lake) -> None:
    with pytest.raises(Problem, match="needs who agrees"):
        agree(lake, NIGHT, BOOKS, " ", "new charter")
    with pytest.raises(Problem, match="and why"):
        agree(lake, NIGHT, BOOKS, "Zhou", "")


def test_a_damaged_agreement_is_named(lake: Lake) -> None:
    path = agree(lake, NIGHT, BOOKS, "Zhou", "new charter")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(Problem, match="is no decision; restore it"):
        [*rule_change_failures(work(300, 300), lake, TONIGHT)]
