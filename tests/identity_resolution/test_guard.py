"""A member never holds more documents or WeChat ids than one person can."""

from datetime import date

import pytest

from tests.identity_resolution.test_evidence import groups
from tests.identity_resolution.worlds import World, resolve_world, with_unnamed_plates


def test_two_documents_stay_two_members_though_phone_and_name_agree() -> None:
    world = World()
    world.account("a", "li lei", mobile="m", id_document="d1")
    world.account("b", "li lei", mobile="m", id_document="d2")
    night = resolve_world(world)
    assert night.groups == groups("a", "b")
    assert list(night.refused) == [("same_mobile_and_name", "m", "member_limit", 2)]


def test_a_chain_between_two_documents_is_cut_at_its_weakest_link() -> None:
    world = World()
    world.account("a", "li lei", id_document="d1", mobile="m")
    world.account("bridge", "li lei", mobile="m", plate="p")
    world.account("b", "li lei", plate="p", id_document="d2")
    night = resolve_world(world)
    assert night.groups == groups("a bridge", "b")
    assert list(night.refused) == [("same_plate_and_name", "p", "member_limit", 2)]


def test_of_two_equal_links_the_one_between_older_accounts_holds() -> None:
    world = World()
    world.account("z1", "li lei", id_document="d1", mobile="m1")
    world.account("a2", "li lei", id_document="d2", mobile="m2")
    bridge = world.account("bridge", "li lei", mobile="m1")
    world.hold(bridge, "mobile", "m2")
    # a2 < bridge < z1 by key, all of one date: a2-bridge comes before bridge-z1.
    assert resolve_world(world).groups == groups("a2 bridge", "z1")


def test_two_wechat_ids_are_one_member_and_a_third_is_not() -> None:
    world = World()
    for number in (1, 2, 3):
        world.account(f"a{number}", "li lei", mobile="m", unionid=f"u{number}")
    night = resolve_world(world)
    assert night.groups == groups("a1 a2", "a3")
    assert list(night.refused) == [("same_mobile_and_name", "m", "member_limit", 2)]


def test_two_users_of_one_program_are_two_members_also_behind_one_number() -> None:
    world = World()
    world.account("card", "li lei", mobile="m")
    world.account("u1", first_seen=date(2026, 1, 1), mobile="m", openid="o1")
    world.account("u2", first_seen=date(2026, 1, 2), mobile="m", openid="o2")
    night = resolve_world(world)
    assert night.groups == groups("card u1", "u2")
    assert {reason for _, _, reason, _ in night.refused} == {"member_limit"}


@pytest.mark.parametrize(
    ("identifier_type", "count", "members"),
    [("mobile", 3, 1), ("mobile", 4, 2), ("plate", 5, 1), ("plate", 6, 2)],
)
def test_a_member_holds_three_phones_and_five_plates_and_not_one_more(
    identifier_type: str, count: int, members: int
) -> None:
    world = World()
    for number in range(count):
        key = world.account(f"a{number}", "li lei", card_number="c" if number < 4 else "c2")
        world.hold(key, identifier_type, f"v{number}")
        if number in {3, 4}:
            world.hold(key, "unionid", "u")
    assert len(resolve_world(world).groups) == members


def test_a_document_that_nobody_checked_forbids_no_link() -> None:
    world = World()
    world.account("a", "li lei", mobile="m", id_document="d1")
    typed = world.account("b", "li lei", mobile="m")
    world.hold(typed, "id_document", "d2", is_verified=False)
    assert resolve_world(world).groups == groups("a b")


def test_a_must_link_joins_two_documents_and_both_count_as_one_from_then_on() -> None:
    world = World()
    a = world.account("a", "li lei", id_document="d1", mobile="m1")
    b = world.account("b", "li lei", id_document="d2")
    world.account("c", "li lei", id_document="d2", mobile="m1")
    world.account("other", "li lei", id_document="d3", mobile="m1")
    assert resolve_world(world).groups == groups("a", "b c", "other")
    world.decide(a, b, is_must_link=True)
    night = resolve_world(world)
    assert night.groups == groups("a b c", "other")
    assert night.rules["pos", "a"] == ("must_link", 2)


def test_a_cannot_link_keeps_two_accounts_apart_whatever_else_ties_them() -> None:
    world = World()
    a = world.account("a", "li lei", id_document="d", mobile="m")
    world.account("b", "li lei", id_document="d", mobile="m", first_seen=date(2026, 1, 1))
    c = world.account("c", "li lei", id_document="d", mobile="m", first_seen=date(2026, 1, 2))
    world.decide(a, c, is_must_link=False)
    night = resolve_world(world)
    assert night.groups == groups("a b", "c")
    assert {reason for _, _, reason, _ in night.refused} == {"cannot_link"}


def test_a_cannot_link_outranks_a_must_link_by_way_of_a_third() -> None:
    world = World()
    a, b, c = (world.account(name, "li lei") for name in "abc")
    world.decide(a, b, is_must_link=True)
    world.decide(b, c, is_must_link=True)
    world.decide(a, c, is_must_link=False)
    assert resolve_world(world).groups == groups("a b", "c")


def test_a_decision_on_an_account_that_is_gone_does_nothing() -> None:
    world = World()
    world.decide(world.account("a"), ("pos", "gone"), is_must_link=True)
    assert resolve_world(world).groups == groups("a")


def test_an_account_that_holds_two_documents_links_to_nobody() -> None:
    world = World()
    world.account("a", "li lei", id_document="d1")
    world.hold(world.account("b", "li lei", id_document="d1"), "id_document", "d2")
    night = resolve_world(world)
    assert night.groups == groups("a", "b")
    assert list(night.refused) == [("same_id_document", "d1", "member_limit", 2)]


def test_a_blocked_document_forbids_no_link() -> None:
    world = World()
    for number in range(9):
        world.account(f"a{number}", id_document="counter")
    world.account("guest", "li lei", mobile="m", id_document="counter")
    world.account("card", "li lei", mobile="m", id_document="d")
    assert frozenset({"guest", "card"}) in resolve_world(world).groups


def test_the_same_document_as_two_types_is_no_conflict() -> None:
    world = World()
    world.account("a", "li lei", mobile="m", id_document="x")
    world.account("b", "li lei", mobile="m", unionid="x")
    assert resolve_world(world).groups == groups("a b")


def test_a_refused_link_whose_ends_meet_another_way_is_not_reported() -> None:
    # Oldest first, so plates come in this order: p1 is refused (li lei is not han mei), then
    # p2, p3 and p4 bring both to the two accounts on one document.
    world = World()
    world.account("y", "han mei", first_seen=date(2020, 1, 1), plate="p1")
    car = world.account("car", first_seen=date(2020, 1, 2), plate="p1", mobile="m")
    world.account("c1", "li lei", first_seen=date(2020, 1, 3), plate="p2", id_document="d")
    bike = world.account("bike", first_seen=date(2020, 1, 4), plate="p3")
    world.account("c2", "han mei", first_seen=date(2020, 1, 5), plate="p4", id_document="d")
    world.account("x", "li lei", first_seen=date(2020, 1, 6), mobile="m")
    world.hold(car, "plate", "p2")
    world.hold(("pos", "y"), "plate", "p3")
    world.hold(bike, "plate", "p4")
    night = resolve_world(world, settings=with_unnamed_plates("join_one_name"))
    assert night.groups == groups("y car c1 bike c2 x")
    assert not night.refused
