"""Resolving only what changed gives what resolving everybody gives, night after night."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from identity_resolution.outputs import Resolution
from tests.identity_resolution.test_against_reference import TIGHT, shuffled
from tests.identity_resolution.worlds import (
    LONG_AGO,
    NIGHT,
    Identifier,
    Key,
    World,
    night_of,
    resolution,
)

SEEDS = range(20)
NIGHTS = 3
ACCOUNTS_A_NIGHT = 14
VALUES = {"id_document": 20, "unionid": 20, "mobile": 14, "card_number": 30, "plate": 10}
NAMES = [None, *(f"n{number}" for number in range(6))]


def grown(world: World, chance: np.random.Generator, night: date) -> World:
    """The world a night later: new accounts, changed and lost values, corrected names, decisions,
    accounts that are gone.
    """
    world = replace(
        world,
        first_seen=dict(world.first_seen),
        names=dict(world.names),
        identifiers=list(world.identifiers),
        records=dict(world.records),
        decisions=list(world.decisions),
        told=dict(world.told),
        was=dict(world.was),
    )
    for number in range(ACCOUNTS_A_NIGHT):
        name = NAMES[chance.integers(len(NAMES))]
        key = world.account(f"{night:%d}{number:02}", name, first_seen=night)
        world.told[key] = night
        year = (1990, 2015)[int(chance.random() < 0.2)]
        born, home = chance.integers(1, 6), chance.integers(1, 9)
        world.record(
            key, birth=f"{year}01{born:02}", mobile=f"1380000{born:04}", address=f"home{home}"
        )
        for kind, count in VALUES.items():
            if chance.random() < 0.4:
                ends = night + timedelta(days=int(chance.integers(1, 4)))
                until = ends if chance.random() < 0.2 else None
                token = f"{kind}{chance.integers(count)}"
                world.hold(key, kind, token, until, is_verified=bool(chance.random() < 0.7))
    keys = sorted(world.first_seen)
    for place in chance.integers(len(keys), size=2):
        key = keys[place]
        if key in world.names:
            world.was[key] = world.names[key]
        world.names[key], world.told[key] = f"n{chance.integers(6)}", night
    for place in chance.integers(len(world.identifiers), size=3):
        held = world.identifiers[place]
        world.identifiers[place] = replace(held, token=f"{held.identifier_type}{place % 9}")
    one, other = (keys[place] for place in chance.choice(len(keys), 2, replace=False))
    world.decide(one, other, bool(chance.random() < 0.5), night)
    return without(world, keys[chance.integers(len(keys))]) if night > NIGHT else world


def without(world: World, gone: Key) -> World:
    """The world without one account."""
    held: list[Identifier] = [row for row in world.identifiers if row.account != gone]
    seen = {key: day for key, day in world.first_seen.items() if key != gone}
    return replace(world, first_seen=seen, identifiers=held)


def differing(one: Resolution, other: Resolution) -> list[str]:
    """Names of the tables in which two nights differ."""
    ours, theirs = vars(one), vars(other)
    return [name for name in ours if not same(ours[name], theirs[name])]


def same(one: pa.Table, other: pa.Table) -> bool:
    return bool(one.to_pylist() == other.to_pylist())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_resolved_night_by_night_equals_everybody_resolved_anew(seed: int) -> None:
    chance = np.random.default_rng(seed)
    world, before = World(), None
    for number in range(NIGHTS):
        night = NIGHT + timedelta(days=number)
        world = grown(world, chance, night)
        full = resolution(shuffled(world, seed), night, TIGHT)
        if before is not None:
            assert differing(resolution(world, night, TIGHT, before=before), full) == []
        before, world = full, world.after_posting(night_of(full, world), night)


def test_only_what_changed_is_resolved_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    for family in range(5):
        for person in range(2):
            world.account(f"{family}{person}", f"n{family}", mobile=f"m{family}")
    before = resolution(world)
    world.account("new", "n3", mobile="m3", first_seen=NIGHT)
    asked: list[int] = []
    monkeypatch.setattr("identity_resolution.resolve.find_evidence", counting(asked), raising=True)
    after = resolution(world, before=before)
    assert asked == [3]
    assert after.member_links.num_rows == 11


def counting(asked: list[int]) -> object:
    """find_evidence that says how many accounts it was given."""
    from identity_resolution.evidence import find_evidence

    def find(engine: object, *more: object) -> None:
        asked.append(engine.rows("select * from touched").num_rows)  # type: ignore[attr-defined]
        find_evidence(engine, *more)  # type: ignore[arg-type]

    return find


def test_a_value_that_one_holder_leaves_links_the_others_again() -> None:
    limit = next(rule.account_limit for rule in TIGHT.evidence if rule.identifier_type == "mobile")
    world = World()
    for number in range(limit + 1):
        world.account(f"a{number}", "li lei", mobile="m")
    before = resolution(world, LONG_AGO, TIGHT)
    assert len(night_of(before, world).groups) == limit + 1
    left = replace(world, identifiers=world.identifiers[1:])
    after = resolution(left, NIGHT, TIGHT, before=before)
    assert len(night_of(after, left).groups) == 2
    assert differing(after, resolution(left, NIGHT, TIGHT)) == []


def test_a_birth_date_that_is_no_default_any_more_brings_back_values_that_are_blocked() -> None:
    blocks = tuple(replace(block, account_limit=3) for block in TIGHT.comparison.blocks)
    comparison = replace(TIGHT.comparison, blocks=blocks, default_birth_accounts=6)
    tight = replace(TIGHT, comparison=comparison)
    world = World()
    for number in range(7):
        key = world.account(f"a{number}", "li lei" if number < 5 else f"n{number}")
        world.record(key, birth="19900101")
    before = resolution(world, LONG_AGO, tight)
    assert blocked(before) == [("birth", "19900101", 7)]
    left = without(world, ("pos", "a6"))
    after = resolution(left, NIGHT, tight, before=before)
    assert blocked(after) == [("name_birth", "li lei|19900101", 5)]
    assert differing(after, resolution(left, NIGHT, tight)) == []


def blocked(found: Resolution) -> list[tuple[str, ...]]:
    """The values that link nobody, and on how many accounts they are."""
    return [tuple(row.values()) for row in found.blocked_values.to_pylist()]
