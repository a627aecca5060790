"""Several workers with a connection each."""

from threading import Barrier

import duckdb
import pytest

from exports.side_by_side import side_by_side


def test_what_comes_back_is_in_the_order_of_the_items() -> None:
    with duckdb.connect(config={"threads": 4}) as connection:
        connection.execute("create table numbers as select 10 as ten")
        times = side_by_side(
            connection,
            lambda own, item: own.execute(f"select ten * {item} from numbers").fetchone(),
            [3, 1, 2],
        )
        assert times == [(30,), (10,), (20,)]
        assert connection.execute("select current_setting('threads')").fetchone() == (4,)


def test_workers_are_as_many_as_threads_and_each_has_its_share() -> None:
    both = Barrier(2, timeout=60)  # neither passes it alone

    def work(own: duckdb.DuckDBPyConnection, item: int) -> int:
        both.wait()
        [(threads,)] = own.execute("select current_setting('threads')").fetchall()
        return int(threads)

    with duckdb.connect(config={"threads": 3}) as connection:
        assert side_by_side(connection, work, [1, 2]) == [1, 1]


def test_nothing_is_no_work() -> None:
    with duckdb.connect() as connection:
        assert side_by_side(connection, lambda own, item: item, []) == []


def test_the_first_error_in_the_order_of_items_is_raised_and_no_more_is_begun() -> None:
    begun = []

    def work(own: duckdb.DuckDBPyConnection, item: int) -> None:
        begun.append(item)
        raise ValueError(f"item {item}")

    with duckdb.connect(config={"threads": 1}) as connection:
        with pytest.raises(ValueError, match="item 1"):
            side_by_side(connection, work, [1, 2, 3, 4, 5, 6])
        assert len(begun) < 6
        assert connection.execute("select current_setting('threads')").fetchone() == (1,)
