"""The figures of an evaluation, worked out by hand."""

from collections.abc import Sequence

import duckdb
import pytest

from identity_resolution.engine import DuckDbEngine
from identity_resolution.evaluate import Evaluation, compare


def evaluate(rows: Sequence[tuple[str, str | None, str | None]]) -> Evaluation:
    """Compare rows of (account, member, person); None leaves the account out on that side."""
    with duckdb.connect() as connection:
        connection.execute("create table links (source text, account_id text, member_id text)")
        connection.execute("create table truth (source text, account_id text, person_id text)")
        for account, member, person in rows:
            if member is not None:
                connection.execute("insert into links values ('pos', ?, ?)", [account, member])
            if person is not None:
                connection.execute("insert into truth values ('pos', ?, ?)", [account, person])
        return compare(DuckDbEngine(connection))


def test_one_member_too_large_and_one_person_torn() -> None:
    # Members {1 2 3} and {4 5}, persons {1 2} and {3 4 5}: 4 pairs found, 4 true, 12 and 45 right.
    rows = [("1", "M", "P"), ("2", "M", "P"), ("3", "M", "Q"), ("4", "N", "Q"), ("5", "N", "Q")]
    found = evaluate(rows)
    assert (found.account_count, found.person_count, found.member_count) == (5, 2, 2)
    assert (found.true_pair_count, found.found_pair_count, found.right_pair_count) == (4, 4, 2)
    assert (found.over_merged_count, found.under_merged_count) == (1, 1)
    assert found.precision == found.recall == found.f1 == 0.5
    # Precision by account: 2/3 2/3 1/3 1 1; recall: 1 1 1/3 2/3 2/3.
    assert found.b3_precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert found.b3_recall == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)


def test_nothing_linked_is_precise_and_recalls_nothing() -> None:
    found = evaluate([("1", "M", "P"), ("2", "N", "P"), ("3", "O", "P"), ("4", "Q", "P")])
    assert (found.precision, found.recall, found.f1) == (1.0, 0.0, 0.0)
    assert (found.b3_precision, found.b3_recall) == (1.0, 0.25)
    assert found.b3_f1 == pytest.approx(0.4)


def test_accounts_on_one_side_only_are_counted_and_left_out() -> None:
    found = evaluate([("1", "M", "P"), ("2", "M", "P"), ("3", "M", None), ("4", None, "P")])
    assert (found.account_count, found.missing_count) == (2, 2)
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_no_accounts_give_no_error() -> None:
    found = evaluate([])
    assert (found.account_count, found.precision, found.b3_recall) == (0, 1.0, 1.0)


def test_the_table_names_every_figure_and_lines_up() -> None:
    lines = evaluate([("1", "M", "P"), ("2", "M", "P")]).table().splitlines()
    assert len(lines) == 14
    assert any("pairs: F1" in line and "1.0000" in line for line in lines)
    assert len({len(line) for line in lines}) == 1
