"""Member ids survive what happens to members."""

import hashlib
from datetime import date, timedelta

from tests.identity_resolution.worlds import NIGHT, World, resolve_world

NEXT_NIGHT = NIGHT + timedelta(days=1)


def minted(source: str, account_id: str, night: date = NIGHT) -> str:
    """The id of a member that is named tonight after its oldest account."""
    return "M" + hashlib.md5(f"{source}|{account_id}|{night}".encode()).hexdigest()[:15]


def test_a_new_member_is_named_after_its_oldest_account_and_the_night() -> None:
    world = World()
    world.account("young", "li lei", mobile="m", first_seen=date(2026, 1, 2))
    world.account("old", "li lei", source="zoo", mobile="m", first_seen=date(2026, 1, 1))
    night = resolve_world(world)
    assert set(night.members.values()) == {minted("zoo", "old")}
    assert night.changes["pos", "young"] == (minted("zoo", "old"), None, "new")
    assert len(night.changes) == 2


def test_of_two_accounts_of_one_date_the_smaller_key_names_the_member() -> None:
    world = World()
    world.account("b", "li lei", mobile="m")
    world.account("a", "li lei", mobile="m")
    assert set(resolve_world(world).members.values()) == {minted("pos", "a")}


def test_unchanged_input_changes_nothing() -> None:
    world = World()
    world.account("a", "li lei", mobile="m")
    world.account("b", "li lei", mobile="m")
    world.account("c")
    first = resolve_world(world)
    second = resolve_world(world.after_posting(first), NEXT_NIGHT)
    assert second.changes == {}
    assert second.members == first.members


def test_an_account_that_joins_a_member_is_new_and_takes_its_id() -> None:
    world = World(posted={("pos", "b"): "M1"})
    world.account("b", "li lei", mobile="m")
    world.account("a", "li lei", mobile="m", first_seen=date(2020, 1, 1))
    assert resolve_world(world).changes == {("pos", "a"): ("M1", None, "new")}


def test_a_merge_of_equals_keeps_the_older_id() -> None:
    world = World(posted={("pos", "young"): "M1", ("pos", "old"): "M2"})
    world.account("young", "li lei", mobile="m", first_seen=date(2025, 6, 1))
    world.account("old", "li lei", mobile="m", first_seen=date(2025, 5, 31))
    assert resolve_world(world).changes == {("pos", "young"): ("M2", "M1", "merge")}


def test_a_merge_keeps_the_id_that_was_posted_first_though_the_other_has_more_accounts() -> None:
    world = World(
        posted={("pos", "a"): "M2", ("pos", "b"): "M1", ("pos", "c"): "M1"},
        since={"M1": date(2026, 2, 2), "M2": date(2026, 2, 1)},
    )
    world.account("a", "li lei", mobile="m")
    world.account("b", "li lei", mobile="m", first_seen=date(2020, 1, 1))
    world.account("c", "li lei", mobile="m")
    assert resolve_world(world).changes == {
        ("pos", "b"): ("M2", "M1", "merge"),
        ("pos", "c"): ("M2", "M1", "merge"),
    }


def test_of_two_ids_of_one_night_a_merge_keeps_that_of_the_oldest_account() -> None:
    world = World(
        posted={("pos", "a"): "M2", ("pos", "b"): "M1"},
        since=dict.fromkeys(["M1", "M2"], date(2026, 2, 1)),
    )
    world.account("a", "li lei", mobile="m", first_seen=date(2020, 1, 1))
    world.account("b", "li lei", mobile="m")
    assert resolve_world(world).changes == {("pos", "b"): ("M2", "M1", "merge")}


def test_a_split_leaves_the_id_with_the_larger_part() -> None:
    world = World(posted={("pos", "a"): "M1", ("pos", "b"): "M1", ("pos", "c"): "M1"})
    world.account("a", "li lei", first_seen=date(2020, 1, 1))
    world.account("b", "li lei", mobile="m")
    world.account("c", "li lei", mobile="m")
    night = resolve_world(world)
    assert night.changes == {("pos", "a"): (minted("pos", "a"), "M1", "split")}
    assert night.members["pos", "b"] == night.members["pos", "c"] == "M1"


def test_a_split_into_equal_parts_leaves_the_id_with_the_oldest_account() -> None:
    world = World(posted={("pos", "a"): "M1", ("pos", "b"): "M1"})
    world.account("a", first_seen=date(2025, 1, 2))
    world.account("b", first_seen=date(2025, 1, 1))
    assert resolve_world(world).changes == {("pos", "a"): (minted("pos", "a"), "M1", "split")}


def test_an_account_that_moves_from_one_member_to_another_was_split_off() -> None:
    world = World(posted={("pos", "a"): "M1", ("pos", "b"): "M1", ("pos", "c"): "M2"})
    world.account("a")
    world.account("b", "li lei", mobile="m", first_seen=date(2025, 2, 1))
    world.account("c", "li lei", mobile="m")
    assert resolve_world(world).changes == {("pos", "b"): ("M2", "M1", "split")}


def test_an_id_whose_largest_part_another_id_keeps_goes_and_its_rest_is_named_anew() -> None:
    world = World(since={"M1": date(2026, 2, 2), "M2": date(2026, 2, 1)})
    for account, member in zip("abcxyz", ["M1"] * 3 + ["M2"] * 3, strict=True):
        world.posted[world.account(account, "li lei")] = member
        if account != "c":
            world.hold(("pos", account), "mobile", "m")
    night = resolve_world(world)
    assert night.changes == {
        ("pos", "a"): ("M2", "M1", "merge"),
        ("pos", "b"): ("M2", "M1", "merge"),
        ("pos", "c"): (minted("pos", "c"), "M1", "merge"),
    }


def test_a_family_phone_splits_off_the_car_that_joined_the_only_name() -> None:
    world = World()
    world.account("father", "li lei", mobile="m")
    world.account("car", source="parking", mobile="m", first_seen=date(2025, 2, 1))
    first = resolve_world(world)
    assert len(first.groups) == 1
    next_world = world.after_posting(first)
    next_world.account("mother", "han mei", mobile="m", first_seen=NEXT_NIGHT)
    second = resolve_world(next_world, NEXT_NIGHT)
    old = first.members["pos", "father"]
    assert second.changes == {
        ("parking", "car"): (minted("parking", "car", NEXT_NIGHT), old, "split"),
        ("pos", "mother"): (minted("pos", "mother", NEXT_NIGHT), None, "new"),
    }


def test_merge_and_unmerge_leave_the_older_member_where_it_was() -> None:
    world = World()
    old = world.account("old", "li lei", first_seen=date(2024, 1, 1))
    young = world.account("young", "li lei", mobile="m")
    first = resolve_world(world)
    world = world.after_posting(first)
    world.hold(old, "mobile", "m")
    merged = resolve_world(world, NEXT_NIGHT)
    assert merged.changes == {young: (first.members[old], first.members[young], "merge")}
    world = world.after_posting(merged)
    world.identifiers.pop()
    apart = resolve_world(world, NEXT_NIGHT + timedelta(days=1))
    assert apart.members[old] == first.members[old]
    assert apart.changes[young][1:] == (first.members[old], "split")


def test_an_account_that_is_gone_is_no_change_and_claims_no_id() -> None:
    world = World(posted={("pos", "gone"): "M1", ("pos", "a"): "M2"})
    world.account("a")
    night = resolve_world(world)
    assert night.members == {("pos", "a"): "M2"}
    assert night.changes == {}
