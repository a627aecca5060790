"""Which accounts become one member, one value at a time; all groups were worked out by hand."""

from datetime import date, timedelta

import pytest

from tests.identity_resolution.worlds import (
    NIGHT,
    Identifier,
    World,
    resolve_world,
    with_unnamed_plates,
)


def groups(*members: str) -> set[frozenset[str]]:
    """Expected members, each written as its account ids with spaces between."""
    return {frozenset(member.split()) for member in members}


def test_accounts_without_identifiers_are_their_own_members() -> None:
    world = World()
    world.account("a")
    world.account("b")
    night = resolve_world(world)
    assert night.groups == groups("a", "b")
    assert set(night.rules.values()) == {("alone", 0)}


def test_a_world_without_accounts_has_no_members() -> None:
    assert resolve_world(World()).members == {}


@pytest.mark.parametrize("identifier_type", ["id_document", "unionid", "openid"])
def test_one_document_or_wechat_id_links_whatever_the_names(identifier_type: str) -> None:
    world = World()
    world.hold(world.account("a", "zhang wei"), identifier_type, "x")
    world.hold(world.account("b", "zhang wie"), identifier_type, "x")
    world.hold(world.account("c"), identifier_type, "x")
    night = resolve_world(world)
    assert night.groups == groups("a b c")
    assert night.rules["pos", "c"] == (f"same_{identifier_type}", 1)


@pytest.mark.parametrize("identifier_type", ["mobile", "card_number", "email", "plate"])
def test_people_of_two_names_on_one_value_stay_apart(identifier_type: str) -> None:
    world = World()
    world.hold(world.account("father", "li lei"), identifier_type, "x")
    world.hold(world.account("mother", "han mei"), identifier_type, "x")
    world.hold(world.account("guest", "li lei", source="hotel"), identifier_type, "x")
    night = resolve_world(world)
    assert night.groups == groups("father guest", "mother")
    assert night.rules["pos", "father"] == (f"same_{identifier_type}_and_name", 1)


def test_an_unnamed_account_joins_the_only_name_on_its_phone() -> None:
    world = World()
    world.account("card", "li lei", mobile="m")
    world.account("guest", "li lei", mobile="m")
    world.account("car", mobile="m")
    night = resolve_world(world)
    assert night.groups == groups("card guest car")
    assert night.rules["pos", "car"] == ("same_mobile_unnamed", 1)
    assert night.rules["pos", "card"] == ("same_mobile_and_name", 1)


def test_an_unnamed_account_on_a_family_phone_links_to_nobody() -> None:
    world = World()
    world.account("father", "li lei", mobile="m")
    world.account("mother", "han mei", mobile="m")
    world.account("car", mobile="m")
    night = resolve_world(world)
    assert night.groups == groups("father", "mother", "car")
    assert list(night.refused) == [("same_mobile_and_name", "m", "several_names", 3)]


def test_an_unnamed_account_on_a_family_phone_joins_the_only_name_that_was_checked() -> None:
    world = World()
    world.hold(world.account("child", "li mei"), "mobile", "m", is_verified=False)
    world.hold(world.account("father", "li lei", first_seen=NIGHT), "mobile", "m")
    world.account("car", mobile="m")
    night = resolve_world(world)
    assert night.groups == groups("child", "father car")
    assert not night.refused


@pytest.mark.parametrize(
    ("born", "members"), [("20110101", ["child", "car bike"]), ("20101231", ["child car bike"])]
)
def test_an_unnamed_account_never_joins_a_childs_name(born: str, members: list[str]) -> None:
    world = World()
    world.record(world.account("child", "li mei", mobile="m"), birth=born)
    world.account("car", mobile="m")
    world.account("bike", mobile="m")
    found = resolve_world(world)
    assert found.groups == groups(*members)


def test_beside_a_child_the_only_grown_up_name_is_joined() -> None:
    world = World()
    world.record(world.account("child", "li mei", mobile="m"), birth="20180101")
    world.hold(world.account("father", "li lei"), "mobile", "m", is_verified=False)
    world.account("car", mobile="m")
    assert resolve_world(world).groups == groups("child", "father car")


def test_two_checked_names_on_a_phone_keep_the_unnamed_account_out() -> None:
    world = World()
    world.account("child", "li mei", mobile="m")
    world.account("father", "li lei", mobile="m")
    world.account("car", mobile="m")
    assert resolve_world(world).groups == groups("child", "father", "car")


def test_unnamed_accounts_on_a_phone_without_names_are_one_member() -> None:
    world = World()
    world.account("car", source="parking", mobile="m")
    world.account("bike", source="parking", mobile="m")
    assert resolve_world(world).groups == groups("car bike")


@pytest.mark.parametrize(
    ("days_after_tonight", "members"),
    [(-1, 2), (0, 2), (1, 1)],
    ids=["past", "tonight", "tomorrow"],
)
def test_a_recycled_phone_stops_linking_on_its_end_date(
    days_after_tonight: int, members: int
) -> None:
    world = World()
    first = world.account("first owner", "li lei")
    world.account("next owner", "li lei", mobile="m")
    world.hold(first, "mobile", "m", NIGHT + timedelta(days=days_after_tonight))
    assert len(resolve_world(world).groups) == members


def test_a_sold_car_follows_its_new_owner() -> None:
    world = World()
    seller = world.account("seller", "li lei")
    world.hold(seller, "plate", "p")
    world.account("buyer", "han mei", plate="p")
    world.account("car", source="parking", plate="p")
    assert len(resolve_world(world, settings=with_unnamed_plates("join_one_name")).groups) == 3
    world.identifiers[0] = Identifier(seller, "plate", "p", date(2026, 1, 1))
    assert resolve_world(world, settings=with_unnamed_plates("join_one_name")).groups == groups(
        "seller", "buyer car"
    )


def test_a_parked_car_without_a_name_stays_alone_by_default() -> None:
    world = World()
    world.account("card", "li lei", plate="p")
    world.account("car", source="parking", plate="p")
    night = resolve_world(world)
    assert night.groups == groups("card", "car")
    assert list(night.refused) == [("same_plate_and_name", "p", "unnamed", 2)]


def test_a_parked_car_joins_the_only_name_on_its_plate() -> None:
    world = World()
    world.account("card", "li lei", plate="p")
    world.account("owner", "li lei", source="property", plate="p")
    world.account("car", source="parking", plate="p")
    night = resolve_world(world, settings=with_unnamed_plates("join_one_name"))
    assert night.groups == groups("card owner car")
    assert night.rules["parking", "car"] == ("same_plate_unnamed", 1)


def test_a_car_that_a_couple_drives_belongs_to_neither() -> None:
    world = World()
    world.account("husband", "li lei", plate="p")
    world.account("wife", "han mei", plate="p")
    world.account("car", source="parking", plate="p")
    night = resolve_world(world)
    assert night.groups == groups("husband", "wife", "car")
    assert list(night.refused) == [("same_plate_and_name", "p", "several_names", 3)]


def test_two_unnamed_drivers_of_one_car_stay_apart() -> None:
    world = World()
    world.account("a", source="parking", plate="p")
    world.account("b", source="parking", plate="p")
    night = resolve_world(world)
    assert night.groups == groups("a", "b")
    assert list(night.refused) == [("same_plate_and_name", "p", "nobody_named", 2)]


def test_an_unnamed_account_stays_apart_on_an_e_mail_address() -> None:
    world = World()
    world.account("a", "li lei", email="e")
    world.account("b", email="e")
    night = resolve_world(world)
    assert night.groups == groups("a", "b")
    assert list(night.refused) == [("same_email_and_name", "e", "unnamed", 2)]


def test_a_car_on_the_wife_s_phone_and_the_husband_s_plate_does_not_marry_them() -> None:
    world = World()
    world.account("husband", "li lei", plate="p")
    world.account("wife", "han mei", mobile="m")
    world.account("car", source="parking", mobile="m", plate="p")
    night = resolve_world(world, settings=with_unnamed_plates("join_one_name"))
    assert night.groups == groups("husband", "wife car")
    assert list(night.refused) == [("same_plate_unnamed", "p", "names_disagree", 2)]


def test_a_car_may_bring_two_accounts_of_one_name_together() -> None:
    world = World()
    world.account("card", "li lei", plate="p")
    world.account("guest", "li lei", source="hotel", mobile="m")
    world.account("car", source="parking", mobile="m", plate="p")
    assert resolve_world(world, settings=with_unnamed_plates("join_one_name")).groups == groups(
        "card guest car"
    )


@pytest.mark.parametrize(
    ("identifier_type", "limit"),
    [
        ("id_document", 8),
        ("unionid", 8),
        ("mobile", 8),
        ("card_number", 4),
        ("email", 8),
        ("plate", 6),
    ],
)
def test_a_value_links_up_to_its_limit_and_nobody_above(identifier_type: str, limit: int) -> None:
    world = World()
    for number in range(limit):
        world.hold(world.account(f"a{number}", "li lei"), identifier_type, "x")
    assert len(resolve_world(world).groups) == 1
    world.hold(world.account("one more", "li lei"), identifier_type, "x")
    night = resolve_world(world)
    assert len(night.groups) == limit + 1
    ((_, token, reason, accounts),) = night.refused
    assert (token, reason, accounts) == ("x", "too_many_accounts", limit + 1)


def test_an_ended_value_does_not_count_towards_the_limit() -> None:
    world = World()
    for number in range(8):
        world.account(f"a{number}", "li lei", mobile="m")
    world.hold(world.account("past", "li lei"), "mobile", "m", NIGHT)
    assert len(resolve_world(world).groups) == 2


def test_the_same_identifier_twice_on_one_account_is_one_holder() -> None:
    world = World()
    world.account("a", "li lei", mobile="m")
    world.account("b", "li lei", mobile="m")
    world.identifiers.append(world.identifiers[0])
    night = resolve_world(world)
    assert night.groups == groups("a b")
    assert night.rules["pos", "a"] == ("same_mobile_and_name", 1)


def test_evidence_counts_the_values_that_tie_an_account_and_names_the_strongest() -> None:
    world = World()
    world.account("a", "li lei", mobile="m", id_document="d", email="e")
    world.account("b", "li lei", mobile="m", id_document="d", email="e")
    world.account("c", "li lei", email="e")
    night = resolve_world(world)
    assert night.rules["pos", "a"] == ("same_id_document", 3)
    assert night.rules["pos", "c"] == ("same_email_and_name", 1)
