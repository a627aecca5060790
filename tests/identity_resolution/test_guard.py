"""A member never holds more documents or WeChat ids than one person can."""

from tests.identity_resolution.test_evidence import groups
from tests.identity_resolution.worlds import World, resolve_world


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
