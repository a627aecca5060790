"""Records that no identifier settles: which pairs are compared, and which become one person."""

from dataclasses import replace

import pytest

from identity_resolution.compare import load_model
from tests.identity_resolution.test_evidence import groups
from tests.identity_resolution.worlds import DEFAULTS, World, resolution, resolve_world

WEI = {"name": "张伟", "birth": "19900203", "mobile": "13900000001"}


def two(
    one: dict[str, str], other: dict[str, str], names: tuple[str, str] = ("wei zhang",) * 2
) -> World:
    """A shop card and a hotel guest with these records."""
    world = World()
    for account, name, record in zip(("card", "guest"), names, (one, other), strict=True):
        world.record(world.account(account, name), **record)
    return world


def test_name_and_birth_date_make_one_person_though_the_phones_differ() -> None:
    night = resolve_world(two(WEI, WEI | {"mobile": "18611112222"}))
    assert night.groups == groups("card guest")
    assert night.rules["pos", "card"] == ("compared", 1)


def test_a_name_in_pinyin_and_the_birth_date_make_one_person() -> None:
    assert resolve_world(two(WEI, WEI | {"name": "ZHANG WEI", "mobile": "18611112222"})).groups == (
        groups("card guest")
    )


def test_a_phone_with_one_wrong_digit_and_the_name_make_one_person() -> None:
    one, other = ({"name": "张伟", "mobile": mobile} for mobile in ("13900000001", "13900000091"))
    assert resolve_world(two(one, other)).groups == groups("card guest")


def test_a_phone_with_two_wrong_digits_is_another_phone() -> None:
    one, other = ({"name": "张伟", "mobile": mobile} for mobile in ("13900000001", "13900000992"))
    assert resolve_world(two(one, other)).groups == groups("card", "guest")


@pytest.mark.parametrize(("others", "members"), [(8, 1), (9, 2)])
def test_a_birth_date_that_a_form_fills_in_says_nothing(others: int, members: int) -> None:
    # With the two of one name, 10 accounts have the date, or 11.
    world = two(WEI, WEI | {"mobile": "18611112222"})
    for number in range(others):
        key = world.account(f"other {number}", f"n{number}", source="outlet")
        world.record(key, birth=WEI["birth"], name=f"n{number}")
    comparison = replace(DEFAULTS.comparison, default_birth_accounts=10)
    night = resolve_world(world, settings=replace(DEFAULTS, comparison=comparison))
    assert len({night.members["pos", account] for account in ("card", "guest")}) == members


def test_a_name_alone_makes_nobody_one_person() -> None:
    assert resolve_world(two({"name": "张伟"}, {"name": "张伟"})).groups == groups("card", "guest")


def test_two_sexes_of_one_name_and_birth_date_are_two_people() -> None:
    one, other = (
        {"name": "张伟", "birth": "19900203", "gender": gender} for gender in ("male", "female")
    )
    assert resolve_world(two(one, other)).groups == groups("card", "guest")


def test_twins_on_their_mothers_phone_are_two_people() -> None:
    one, other = (
        {"name": name, "birth": "20180101", "mobile": "13900000001", "gender": "male"}
        for name in ("张子轩", "张子涵")
    )
    world = two(one, other, ("zhang zixuan", "zhang zihan"))
    for account in ("card", "guest"):
        world.hold(("pos", account), "mobile", "m")
    assert resolve_world(world).groups == groups("card", "guest")


def test_records_that_an_identifier_settles_are_not_compared() -> None:
    world = two(WEI, WEI)
    for account in ("card", "guest"):
        world.hold(("pos", account), "mobile", "m")
    night = resolve_world(world)
    assert night.rules["pos", "card"] == ("same_mobile_and_name", 1)


def test_a_document_forbids_what_a_comparison_would_join() -> None:
    world = two(WEI, WEI | {"mobile": "18611112222"})
    for number, account in enumerate(("card", "guest")):
        world.hold(("pos", account), "id_document", f"d{number}")
    night = resolve_world(world)
    assert night.groups == groups("card", "guest")
    [held] = resolution(world).held_links.to_pylist()
    assert (held["rule"], held["reason"], held["value_type"]) == (
        "compared",
        "member_limit",
        "name_birth",
    )
    assert held["weight_millibits"] == pytest.approx(6_600, abs=100)


def test_of_two_comparisons_the_heavier_one_holds() -> None:
    # Both hotel guests have the card's name and birth date; one has nearly its phone, too.
    world = World()
    world.record(world.account("card", "wei zhang", id_document="d1"), **WEI)
    near, far = WEI | {"mobile": "13900000009"}, WEI | {"mobile": "18611112222"}
    world.record(world.account("a far", "wei zhang", id_document="d2"), **far)
    world.record(world.account("near", "wei zhang"), **near)
    world.record(world.account("middle", "wei zhang", id_document="d3"), **far)
    assert frozenset({"card", "near"}) in resolve_world(world).groups


def test_the_model_says_less_for_what_is_common_and_more_for_what_is_rare() -> None:
    levels = {
        comparison["output_column_name"]: [
            level["m_probability"] / level["u_probability"]
            for level in comparison["comparison_levels"]
            if "u_probability" in level
        ]
        for comparison in load_model()["comparisons"]
    }
    assert set(levels) == {"name", "birth", "mobile", "gender", "address"}
    for name, ratios in levels.items():
        assert ratios[0] > 1 > ratios[-1], name


def test_the_frozen_model_quotes_no_name_since_spark_would_read_a_text() -> None:
    conditions = [
        level["sql_condition"]
        for comparison in load_model()["comparisons"]
        for level in comparison["comparison_levels"]
    ]
    assert "name_l = name_r" in conditions
    assert not [condition for condition in conditions if '"' in condition]
