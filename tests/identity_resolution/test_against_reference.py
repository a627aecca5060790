"""Whatever the world: the real resolution agrees with a plain one, and row order is nothing."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.identity_resolution.reference import reference_night
from tests.identity_resolution.worlds import (
    DEFAULTS,
    NIGHT,
    Identifier,
    InBlocks,
    Key,
    World,
    resolve_world,
)

Row = TypeVar("Row")

# Limits low enough for worlds of ten accounts to break them.
TIGHT = replace(
    DEFAULTS,
    evidence=tuple(replace(rule, account_limit=4) for rule in DEFAULTS.evidence),
    member_limits=tuple(replace(each, limit=min(each.limit, 2)) for each in DEFAULTS.member_limits),
)
TOKENS = {
    "id_document": ["d1", "d2", "d3"],
    "unionid": ["u1", "u2", "u3", "u4"],
    "openid": ["o1"],
    "mobile": ["m1", "m2", "m3"],
    "card_number": ["c1", "c2"],
    "email": ["e1"],
    "plate": ["p1", "p2"],
}
VALUES = [(kind, token) for kind, tokens in TOKENS.items() for token in tokens]
ENDS = [None, None, None, NIGHT - timedelta(days=1), NIGHT, NIGHT + timedelta(days=1)]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A world of up to ten accounts, crowded on few values, with members of earlier nights."""
    keys: list[Key] = draw(
        st.lists(
            st.tuples(st.sampled_from(["hotel", "parking", "pos"]), st.sampled_from("abcde")),
            min_size=1,
            max_size=10,
            unique=True,
        )
    )
    world = World()
    for member in ("M1", "M2", "M3"):
        world.since[member] = date(2025, 2, draw(st.integers(1, 2)))
    for key in keys:
        world.first_seen[key] = date(2025, 1, draw(st.integers(1, 3)))
        if name := draw(st.sampled_from([None, "n1", "n2", "n3"])):
            world.names[key] = name
        if draw(st.integers(0, 3)) == 0:
            world.record(key, birth_year="2016")
        if member := draw(st.sampled_from([None, "M1", "M2", "M3", "M4"])):
            world.posted[key] = member
        for kind, token in draw(st.lists(st.sampled_from(VALUES), max_size=4)):
            ends, is_verified = draw(st.sampled_from(ENDS)), draw(st.booleans())
            world.identifiers.append(Identifier(key, kind, token, ends, is_verified))
    pairs = st.tuples(st.sampled_from(keys), st.sampled_from(keys)).map(lambda p: tuple(sorted(p)))
    for one, other in draw(st.lists(pairs, max_size=3, unique=True)):
        if one != other:
            night = draw(st.sampled_from([NIGHT - timedelta(days=1), NIGHT]))
            world.decide(one, other, draw(st.booleans()), night)
    return world


def shuffled(world: World, seed: int) -> World:
    """The same world with its rows in another order."""
    order = np.random.default_rng(seed)

    def mix(rows: Iterable[Row]) -> list[Row]:
        listed = list(rows)
        return [listed[place] for place in order.permutation(len(listed))]

    return replace(
        world,
        first_seen=dict(mix(world.first_seen.items())),
        names=dict(mix(world.names.items())),
        identifiers=mix(world.identifiers),
        posted=dict(mix(world.posted.items())),
    )


@settings(max_examples=60, derandomize=True)
@given(worlds())
def test_members_changes_and_refusals_are_those_of_the_reference(world: World) -> None:
    night = resolve_world(world, settings=TIGHT)
    assert night == reference_night(world, NIGHT, TIGHT)


@settings(max_examples=15, derandomize=True)
@given(worlds())
def test_components_resolved_apart_give_what_all_of_them_together_give(world: World) -> None:
    apart = resolve_world(world, settings=TIGHT, engine=InBlocks)
    assert apart == resolve_world(world, settings=TIGHT)


@settings(max_examples=15, derandomize=True)
@given(worlds(), st.integers(0, 1_000_000))
def test_the_order_of_rows_changes_nothing(world: World, seed: int) -> None:
    assert resolve_world(shuffled(world, seed), settings=TIGHT) == resolve_world(
        world, settings=TIGHT
    )


@settings(max_examples=15, derandomize=True)
@given(worlds())
def test_the_same_input_on_the_next_night_changes_nothing(world: World) -> None:
    open_ended = [
        row for row in world.identifiers if row.valid_until_date != NIGHT + timedelta(days=1)
    ]
    lasting = replace(world, identifiers=open_ended)
    night = resolve_world(lasting, settings=TIGHT)
    again = resolve_world(lasting.after_posting(night), NIGHT + timedelta(days=1), TIGHT)
    assert again.changes == {}
    assert again.members == night.members


@settings(max_examples=15, derandomize=True)
@given(worlds())
def test_new_keys_for_the_tokens_change_no_member(world: World) -> None:
    turned = replace(
        world,
        names={key: name[::-1] + str(9 - int(name[1])) for key, name in world.names.items()},
        identifiers=[
            replace(row, token=str(9 - int(row.token[1])) + row.token) for row in world.identifiers
        ],
    )
    before, after = resolve_world(world, settings=TIGHT), resolve_world(turned, settings=TIGHT)
    assert (after.members, after.rules, after.changes) == (
        before.members,
        before.rules,
        before.changes,
    )


@settings(max_examples=15, derandomize=True)
@given(worlds())
def test_no_member_of_several_accounts_holds_more_than_its_limits(world: World) -> None:
    world = replace(world, decisions=[])  # people may decide otherwise
    night = resolve_world(world)
    for member in set(night.members.values()):
        keys = {key for key, found in night.members.items() if found == member}
        if len(keys) == 1:
            continue
        for limit in DEFAULTS.member_limits:
            held = {
                row.token
                for row in world.identifiers
                if row.account in keys
                and row.identifier_type == limit.identifier_type
                and (row.is_verified or limit.counts == "all")
                and (row.valid_until_date is None or row.valid_until_date > NIGHT)
                and _holders(world, row) <= 8
            }
            assert len(held) <= limit.limit


def _holders(world: World, wanted: Identifier) -> int:
    return len(
        {
            row.account
            for row in world.identifiers
            if (row.identifier_type, row.token) == (wanted.identifier_type, wanted.token)
            and (row.valid_until_date is None or row.valid_until_date > NIGHT)
        }
    )
