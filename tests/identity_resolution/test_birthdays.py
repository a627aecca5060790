"""Birthdays of accounts: read from the tokens of birth dates, and only while a rule asks."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_resolution.birthdays import days_of_births
from identity_resolution.resolve import resolve_night
from identity_resolution.settings import load_identity_settings
from ingest.core.lake import PART, Lake, write_parquet
from ingest.core.privacy import Key, create_demo_keys, read_keys, token, with_keys
from ingest.core.settings import load_settings
from tests.identity_resolution.worlds import NIGHT, World, accounts_table, identifiers_table

BEFORE = NIGHT - timedelta(days=1)
Born = dict[str, date | None]


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with keys and cards, of whom nothing was told yet."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("KEYS_FILE", str(tmp_path / "keys.json"))
    create_demo_keys(tmp_path / "keys.json")
    lake = Lake(tmp_path / "lake")
    hand_over(lake, [f"a{number}" for number in range(4)])
    return lake


def hand_over(lake: Lake, accounts: Iterable[str]) -> None:
    """Tonight's accounts, each with a card of its own."""
    world = World()
    for account in accounts:
        world.account(account, card_number=f"c{account}")
    write_parquet(accounts_table(world), lake.handover("int_accounts"))
    write_parquet(identifiers_table(world), lake.handover("int_identifiers"))


def tell(lake: Lake, night: date, born: Born) -> None:
    """What a night's delivery says of accounts."""
    keys = read_keys(load_settings().keys_file)
    tokens = [day and token(keys, "birth", day.strftime("%Y%m%d")) for day in born.values()]
    columns = {
        "account_id": pa.array(born, pa.string()),
        "version": pa.array([night.toordinal()] * len(born), pa.int64()),
        "name_token": pa.array([None] * len(born), pa.string()),
        "birth_token": pa.array(tokens, pa.string()),
    }
    write_parquet(pa.table(columns), lake.partition("restricted", "pos", "people", night) / PART)


def ask(lake: Lake, night: date, *windows: str) -> None:
    rules = {"birthday_window": pa.array([None, *windows], pa.string())}
    write_parquet(pa.table(rules), lake.raw("rules", "bonus_rules", night))


def resolve(lake: Lake, night: date, before: date | None = None) -> list[tuple[object, ...]]:
    tonight = {
        "business_date": [night],
        "previous_date": pa.array([before], pa.date32()),
        "is_everything_touched": [before is None],
    }
    write_parquet(pa.table(tonight), lake.tonight)
    resolve_night(load_settings(), load_identity_settings(), night)
    rows = pq.read_table(lake.birthdays, partitioning=None).to_pylist()
    return [tuple(row.values())[1:] for row in rows]


def test_month_and_day_are_known_of_whoever_has_a_plausible_birth_date(lake: Lake) -> None:
    told = {"a0": date(1990, 5, 1), "a1": date(1988, 2, 29), "a2": None, "a3": date(2026, 3, 31)}
    tell(lake, NIGHT, told)
    ask(lake, NIGHT, "day")
    assert resolve(lake, NIGHT)[:2] == [("a0", 5, 1, True), ("a1", 2, 29, True)]
    assert resolve(lake, NIGHT)[3] == ("a3", 3, 31, True)


def test_nothing_is_written_while_no_rule_asks_and_no_day_while_rules_ask_for_months(
    lake: Lake,
) -> None:
    tell(lake, NIGHT, {"a0": date(1990, 5, 1)})
    assert resolve(lake, NIGHT) == []
    ask(lake, NIGHT)
    assert resolve(lake, NIGHT) == []
    ask(lake, NIGHT, "month")
    assert resolve(lake, NIGHT) == [("a0", 5, None, True)]


def test_only_what_was_told_since_the_last_night_may_be_other_than_before(lake: Lake) -> None:
    tell(lake, BEFORE, {"a0": date(1990, 5, 1), "a1": date(1991, 6, 2), "a2": date(1992, 7, 3)})
    ask(lake, BEFORE, "day")
    ask(lake, NIGHT, "day")
    resolve(lake, BEFORE)
    tell(lake, NIGHT, {"a1": date(1991, 6, 3), "a2": None})
    assert resolve(lake, NIGHT, BEFORE) == [
        ("a0", 5, 1, False),
        ("a1", 6, 3, True),
        ("a2", None, None, True),
    ]


def test_a_date_that_became_a_default_is_nobodys_birthday_and_touches_whoever_had_it(
    lake: Lake,
) -> None:
    most = load_identity_settings().comparison.default_birth_accounts
    ask(lake, BEFORE, "day")
    ask(lake, NIGHT, "day")
    filled = {f"x{number}": date(1990, 1, 1) for number in range(most - 1)}
    hand_over(lake, ["a0", "a1", *filled])
    tell(lake, BEFORE, {"a0": date(1990, 1, 1), **filled})
    assert resolve(lake, BEFORE)[0] == ("a0", 1, 1, True)
    tell(lake, NIGHT, {"a1": date(1990, 1, 1)})
    found = {row[0]: row[1:] for row in resolve(lake, NIGHT, BEFORE)}
    assert found["a0"] == (None, None, True)
    assert found["a1"] == (None, None, True)


def test_tokens_of_every_generation_of_the_key_are_known() -> None:
    one, other = Key("t1", b"1" * 32), Key("t2", b"2" * 32)
    master = [Key("m1", b"m" * 32)]
    days = days_of_births(with_keys([one, other], master), NIGHT, has_days=True).to_pylist()
    by_token = {row["token"]: (row["birth_month"], row["birth_day"]) for row in days}
    for keys in (with_keys([one], master), with_keys([other], master)):
        assert by_token[token(keys, "birth", "19560229")] == (2, 29)
        assert token(keys, "birth", "18991231") not in by_token
        assert by_token[token(keys, "birth", "19000101")] == (1, 1)
        assert by_token[token(keys, "birth", "20260331")] == (3, 31)
        assert token(keys, "birth", "20260401") not in by_token


def test_whoever_is_no_account_any_more_makes_no_date_a_default(lake: Lake) -> None:
    most = load_identity_settings().comparison.default_birth_accounts
    ask(lake, BEFORE, "day")
    ask(lake, NIGHT, "day")
    filled = {f"x{number}": date(1990, 1, 1) for number in range(most)}
    hand_over(lake, ["a0", *filled])
    tell(lake, BEFORE, {"a0": date(1990, 1, 1), **filled})
    assert ("a0", None, None, True) in resolve(lake, BEFORE)
    hand_over(lake, ["a0", *list(filled)[1:]])
    tell(lake, NIGHT, {})
    step_by_step = resolve(lake, NIGHT, BEFORE)
    assert step_by_step[0] == ("a0", 1, 1, True)
    assert [row[:3] for row in resolve(lake, NIGHT)] == [row[:3] for row in step_by_step]
