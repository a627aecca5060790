"""Analysts who query the marts while a night runs."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event, Semaphore
from pathlib import Path
from typing import Any

import duckdb

READERS = 8
SECONDS_BETWEEN_QUERIES = 0.2
# The ledger's entries against the balances that another mart states, in one query.
TOTALS = """
select
    (select count(distinct version) from _meta),
    (select min(version) from _meta),
    (select sum(points_balance) from dim_members),
    (
        select sum(case when to_party = 'member' then points else -points end)
        from fct_points_entries
        where 'member' in (from_party, to_party)
    )
"""


@dataclass
class Seen:
    """What the readers saw: versions in the order of their first sight, and what went wrong."""

    by_reader: dict[int, list[str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@contextmanager
def reading(marts: Path) -> Iterator[Seen]:
    """Let eight processes read a marts file, opening it anew each time, while the block runs."""
    context = multiprocessing.get_context("spawn")
    told, end = context.Queue(), context.Event()
    begun = context.Semaphore(0)
    readers = [
        context.Process(target=_read, args=(number, marts, begun, end, told))
        for number in range(READERS)
    ]
    for reader in readers:
        reader.start()
    seen = Seen()
    for _ in readers:
        begun.acquire()
    try:
        yield seen
    finally:
        end.set()
        for _ in readers:
            number, versions, failures = told.get()
            seen.by_reader[number] = versions
            seen.failures += failures
        for reader in readers:
            reader.join()


def _read(number: int, marts: Path, begun: Semaphore, end: Event, told: Any) -> None:
    versions: list[str] = []
    failures: list[str] = []
    is_last = False
    while True:
        try:
            with duckdb.connect(marts, read_only=True) as connection:
                [(count, version, balances, ledger)] = connection.execute(TOTALS).fetchall()
            if count != 1 or balances != ledger:
                failures.append(f"{version}: {count} versions, {balances} and {ledger} points")
            if version not in versions:
                versions.append(version)
        except duckdb.Error as error:
            failures.append(str(error))
        begun.release()
        if is_last:
            break
        is_last = end.wait(SECONDS_BETWEEN_QUERIES)
    told.put((number, versions, failures))
