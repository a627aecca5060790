"""Nights that build on each other: what is written is the difference, what counts is everything."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_resolution.__main__ import main
from identity_resolution.engine import DuckDbEngine
from identity_resolution.nights import COMPONENT_TABLES, ORDERS, nights_of, show_night
from ingest.core.lake import Lake, write_parquet
from tests.identity_resolution.test_commands import post, write_names
from tests.identity_resolution.worlds import NIGHT, World, accounts_table, identifiers_table

NAMES = ["li lei", "han mei", "wang fang"]
Rows = dict[str, list[dict[str, object]]]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake, two nights of which may build on a third."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    monkeypatch.setattr("identity_resolution.nights.MOST_NIGHTS", 3)
    return Lake(tmp_path)


def night_number(number: int) -> date:
    return NIGHT + timedelta(days=number)


def resolve(lake: Lake, number: int, before: int | None, *more: str) -> None:
    """Resolve the lake of a night: two new accounts a night on the phones of six families."""
    night, world = night_number(number), World()
    for each in range(2 * number + 2):
        phone = f"m{each % 6}"
        world.account(f"a{each}", mobile=phone, first_seen=night_number(each // 2))
    write_parquet(accounts_table(world), lake.handover("int_accounts"))
    write_parquet(identifiers_table(world), lake.handover("int_identifiers"))
    born = {f"a{each}": NAMES[each % 2] for each in (2 * number, 2 * number + 1)}
    # Every night one account of the first night says that it has another name.
    write_names(lake, "pos", night, born | {f"a{number % 2}": NAMES[number % 3]})
    previous = None if before is None else night_number(before)
    tonight = {
        "business_date": [night],
        "previous_date": pa.array([previous], pa.date32()),
        "is_everything_touched": [before is None],
    }
    write_parquet(pa.table(tonight), lake.tonight)
    assert main(["resolve", "--date", night.isoformat(), *more]) == 0


def counted(lake: Lake, number: int) -> Rows:
    """All rows that count on a night."""
    night = night_number(number)
    with duckdb.connect() as connection:
        engine = DuckDbEngine(connection)
        show_night(engine, lake, nights_of(lake, night), list(COMPONENT_TABLES))
        return {
            name: engine.rows(f"select * from {name} order by {order}").to_pylist()
            for name, order in ORDERS.items()
        }


def chain(lake: Lake, number: int) -> list[int]:
    return [(each - NIGHT).days for each in nights_of(lake, night_number(number))]


def written_count(lake: Lake, number: int) -> int:
    path = lake.raw("identity", "account_states", night_number(number))
    return int(pq.read_metadata(path).num_rows)


def test_every_night_counts_what_resolving_everybody_gives(lake: Lake) -> None:
    for number in range(6):
        resolve(lake, number, number - 1 if number else None)
        difference = counted(lake, number)
        assert len(difference["member_links"]) == 2 * number + 2
        resolve(lake, number, number - 1 if number else None, "--full")
        assert counted(lake, number) == difference
        resolve(lake, number, number - 1 if number else None)
        assert counted(lake, number) == difference
        post(lake, night_number(number))


def test_a_night_that_would_build_on_too_many_writes_everybodys_rows(lake: Lake) -> None:
    chains = []
    for number in range(5):
        resolve(lake, number, number - 1 if number else None)
        post(lake, night_number(number))
        chains.append(chain(lake, number))
    assert chains == [[0], [0, 1], [0, 1, 2], [3], [3, 4]]
    assert written_count(lake, 3) == 8
    assert written_count(lake, 4) < 10


def test_a_night_that_was_never_published_is_left_out_by_the_next(lake: Lake) -> None:
    resolve(lake, 0, None)
    post(lake, NIGHT)
    resolve(lake, 1, 0)
    resolve(lake, 2, 0)
    assert chain(lake, 2) == [0, 2]
    built = counted(lake, 2)
    resolve(lake, 2, 0, "--full")
    assert counted(lake, 2) == built


def test_a_night_whose_ground_is_missing_resolves_everybody(lake: Lake) -> None:
    resolve(lake, 0, None)
    post(lake, NIGHT)
    lake.raw("identity", "member_figures", night_number(0)).unlink()
    resolve(lake, 1, 0)
    assert chain(lake, 1) == [1]
    assert len(counted(lake, 1)["member_links"]) == 4
