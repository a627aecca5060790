"""Work on many things at once, each worker with a connection of its own to the same database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import duckdb

MOST_WORKERS = 4  # each has a large table or two in memory


Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    connection: duckdb.DuckDBPyConnection,
    work: Callable[[duckdb.DuckDBPyConnection, Item], Result],
    items: Sequence[Item],
) -> list[Result]:
    """What `work` gives for each item, in their order; they are begun in it, too, so the longest
    should come first. DuckDB's threads are shared out among the workers, or one would wait for
    another's. After an error nothing more is begun, and the first one, in the order of items, is
    raised. Temporary tables of `connection` are not seen by the workers.
    """
    [(threads,)] = connection.execute("select current_setting('threads')").fetchall()

    def with_own(item: Item) -> Result:
        with connection.cursor() as own:
            return work(own, item)

    workers = max(1, min(threads, MOST_WORKERS, len(items)))
    connection.execute(f"set threads = {threads // workers}")
    try:
        with ThreadPoolExecutor(workers) as pool:
            running = [pool.submit(with_own, item) for item in items]
            try:
                return [each.result() for each in running]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        connection.execute(f"set threads = {threads}")
