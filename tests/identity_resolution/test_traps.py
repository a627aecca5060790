"""Values that everybody holds make nobody one person (C4)."""

import pytest

from identity_resolution.engine import DuckDbEngine
from identity_resolution.evaluate import compare
from ingest.normalise import NORMALISERS
from tests.identity_resolution.worlds import NIGHT, World, resolve_world

HOLDERS = 500


@pytest.mark.parametrize("identifier_type", ["mobile", "email", "card_number", "plate"])
@pytest.mark.parametrize("named", [1.0, 0.5, 0.0], ids=["named", "half named", "unnamed"])
def test_one_value_on_500_accounts_merges_nobody(identifier_type: str, named: float) -> None:
    world = World()
    for number in range(HOLDERS):
        name = f"n{number}" if number < HOLDERS * named else None
        world.hold(world.account(f"a{number:03}", name), identifier_type, "shared")
    night = resolve_world(world)
    assert len(set(night.members.values())) == HOLDERS
    assert [reason for _, _, reason, _ in night.refused] == ["too_many_accounts"]


@pytest.mark.parametrize("identifier_type", ["id_document", "unionid", "openid"])
def test_one_document_on_500_accounts_merges_nobody_either(identifier_type: str) -> None:
    world = World()
    for number in range(HOLDERS):
        world.hold(world.account(f"a{number:03}", "li lei"), identifier_type, "front desk")
    assert len(set(resolve_world(world).members.values())) == HOLDERS


@pytest.mark.parametrize("filler", ["13800138000", "-1", "null", "00000000000"])
@pytest.mark.parametrize("identifier_type", ["mobile", "id_document", "plate", "card_number"])
def test_a_filler_identifies_nobody_so_that_it_never_becomes_a_token(
    filler: str, identifier_type: str
) -> None:
    if (filler, identifier_type) in {
        ("13800138000", "plate"),  # letters and digits of a plate from elsewhere
        ("13800138000", "card_number"),
    }:
        pytest.skip("could be one; the limit of accounts per value stops it")
    assert NORMALISERS[identifier_type](filler) is None


def test_a_person_with_the_agents_phone_is_found_by_name_and_birth_date_not_by_the_phone() -> None:
    world = World()
    for number in range(20):
        key = world.account(f"guest{number:02}", f"n{number}", mobile="agent")
        world.record(key, birth=f"199001{number + 1:02}", name=f"n{number}")
    card = world.account("card", "n7", first_seen=NIGHT)
    world.record(card, birth="19900108", name="n7")
    night = resolve_world(world)
    assert {len(group) for group in night.groups} == {1, 2}
    assert frozenset({"guest07", "card"}) in night.groups


def test_no_pair_of_500_strangers_on_one_phone_is_found() -> None:
    world = World()
    for number in range(HOLDERS):
        world.account(f"a{number:03}", f"n{number % 100}", mobile="m")
    members = resolve_world(world).members
    connection = found(members)
    assert compare(DuckDbEngine(connection)).found_pair_count == 0


def found(members: dict[tuple[str, str], str]) -> object:
    import duckdb

    connection = duckdb.connect()
    connection.execute("create table links (source text, account_id text, member_id text)")
    connection.executemany(
        "insert into links values (?, ?, ?)", [(*key, member) for key, member in members.items()]
    )
    connection.execute(
        "create table truth as select source, account_id, account_id as person_id from links"
    )
    return connection
