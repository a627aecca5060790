"""Who belongs to one household, and that nobody becomes one person by it."""

from datetime import date

from tests.identity_resolution.worlds import NIGHT, World, resolution


def households(world: World) -> dict[str, str]:
    """Household of each account's member, by account."""
    result = resolution(world)
    of = {row["member_id"]: row["household_id"] for row in result.member_households.to_pylist()}
    return {
        row["account_id"]: of[row["member_id"]]
        for row in result.member_links.to_pylist()
        if row["member_id"] in of
    }


def test_a_couple_with_one_car_is_a_household_of_two_members() -> None:
    world = World()
    world.account("she", "han mei", plate="p")
    world.account("he", "li lei", plate="p")
    world.account("neighbour", "wang wu", plate="p2")
    found = households(world)
    assert set(found) == {"she", "he"}
    assert found["she"] == found["he"]


def test_people_of_one_address_are_a_household_and_thirteen_are_a_dormitory() -> None:
    for count, members in ((12, 12), (13, 0)):
        world = World()
        for number in range(count):
            world.record(world.account(f"a{number:02}", f"n{number}"), address="home")
        assert len(households(world)) == members


def test_a_shared_phone_makes_a_household_of_one_surname_only() -> None:
    world = World()
    for account, surname in (("father", "li"), ("child", "li"), ("colleague", "wang")):
        key = world.account(account, f"{surname} {account}", mobile="m")
        world.record(key, surname=surname)
    assert set(households(world)) == {"father", "child"}


def test_one_person_of_many_accounts_is_no_household() -> None:
    world = World()
    for number in range(3):
        world.account(f"a{number}", "li lei", mobile="m", plate="p")
    assert households(world) == {}


def test_a_sold_car_leaves_its_household() -> None:
    world = World()
    world.account("she", "han mei", plate="p")
    world.hold(world.account("he", "li lei"), "plate", "p", valid_until=NIGHT)
    assert households(world) == {}


def test_a_household_keeps_its_name_when_somebody_younger_joins() -> None:
    world = World()
    world.account("she", "han mei", plate="p", first_seen=date(2020, 1, 1))
    world.account("he", "li lei", plate="p")
    before = households(world)
    world.account("child", "li mei", plate="p", first_seen=NIGHT)
    after = households(world)
    assert len(after) == 3
    assert after["she"] == before["she"]
