"""The models of bonuses and caps, as dbt compiles them, against rules written a second time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ingest.rules import businesses, earning, tags
from ingest.rules.lists import listed
from tests.pipeline.nights import must_run
from tests.pipeline.rating_reference import (
    Activity,
    Definition,
    Outcomes,
    Rule,
    Shared,
    base_points,
    base_taken_back,
    cap_base,
    rate_all,
    tags_on,
    taken_back,
)

MODELS = (
    "int_clipped_orders", "int_capped_orders", "int_rated_refunds", "int_bonus_candidates",
    "int_bonus_birthdays", "int_bonus_missions", "int_tagged_orders", "int_member_tags",
    "int_bonus_tags", "int_bonus_offers", "int_rated_bonuses", "int_clipped_bonuses",
    "int_capped_bonuses", "int_bonus_refunds",
)  # fmt: skip
FIRSTS, SHANGHAI = (date(2026, 2, 23), date(2028, 2, 23), date(2026, 12, 27)), 480
BIRTHDAYS = {"M1": (2, 29), "M2": (12, 31)}  # nobody knows that of M3
CAPS = tuple(earning.Caps.model_fields)
CAPS_OF_BASE = ("points_per_day", "points_per_month")
BASE_REASONS = ["channel_excluded", "discounted", "no_rule_in_force"]
TABLES = {**businesses.TABLES, **earning.TABLES, **tags.TABLES}
KINDS = {"text": pa.string(), "whole": pa.int64(), "date": pa.date32(), "flag": pa.bool_()}
TEXT, WHOLE = pa.string(), pa.int64()
ORDERS = {
    "activity_id": TEXT, "member_id": TEXT, "business": TEXT, "activity_type": TEXT,
    "business_date": pa.date32(), "occurred_at": pa.timestamp("us"), "merchant_id": TEXT,
    "channel": TEXT, "category": TEXT, "discount_fen": WHOLE, "paid_fen": WHOLE,
    "tier": TEXT, "rate": WHOLE, "source": TEXT, "account_id": TEXT, "refund_policy": TEXT,
    "outcome": TEXT, "most_points_per_order": WHOLE, "full_points": WHOLE,
    "uncapped_points": WHOLE, "base_points": WHOLE, "multiplier_percent": WHOLE,
    "tier_multiplier_percent": WHOLE, "rule_id": TEXT,
}  # fmt: skip
REFUNDS = {
    "activity_id": TEXT, "order_activity_id": TEXT, "order_date": pa.date32(),
    "remaining_before_fen": WHOLE, "remaining_after_fen": WHOLE, "business_date": pa.date32(),
    "business": TEXT, "occurred_at": pa.timestamp("us"),
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of the bonus models, compiled for a lake without anything in it."""
    lake = tmp_path_factory.mktemp("compiled") / "lake"
    must_run(lake, "dags", "dbt", "compile", "--quiet", "--no-introspect", "--select", *MODELS)
    folder = lake / "work" / "dbt" / "compiled"
    return {name: next(folder.rglob(f"{name}.sql")).read_text("utf-8") for name in MODELS}


def chosen(chance: np.random.Generator, values: list[Any]) -> Any:
    return values[int(chance.integers(len(values)))]


def missions_of(member: str, first: date) -> tuple[tuple[str, date, date], ...]:
    """M1 has two missions of one kind that overlap, M2 one of another kind."""
    days = {"M1": [("step", 1, 6), ("step", 5, 9)], "M2": [("other", 0, 13)]}
    return tuple(
        (name, first + timedelta(days=begin), first + timedelta(days=end))
        for name, begin, end in days.get(member, [])
    )


def some_activities(chance: np.random.Generator, count: int, first: date) -> list[Activity]:
    activities = []
    for number in range(count):
        paid = int(chance.choice([0, 99, 100, 9_999, 10_000, 30_000, 65_432]))
        kind = "purchase" if paid else "check_in"
        day = first + timedelta(days=int(chance.integers(14)))
        member = chosen(chance, ["M1", "M2", "M3"])
        moment = datetime(day.year, day.month, day.day) + timedelta(
            minutes=int(chance.choice([0, 599, 600, 839, 840, 1020]))
        )
        parts = np.sort(chance.integers(0, paid + 1, chance.integers(0, 4)))[::-1]
        activities.append(
            Activity(
                f"a{number:03}",
                member,
                chosen(chance, ["mall", "outlet"]),
                kind,
                day,
                moment,
                chosen(chance, [None, "m1", "m2"]),
                chosen(chance, ["store", "web"]),
                chosen(chance, [None, "food"]),
                paid,
                chosen(chance, ["basic", "gold"]),
                chosen(chance, [1_000_000, 1_800_000]) if paid else 0,
                tuple(int(part) for part in parts) if paid else (),
                BIRTHDAYS.get(member),
                missions_of(member, first),
                discount_fen=int(chance.choice([0, 0, 1])) if paid else 0,
                outcome=chosen(chance, ["awarded"] * 7 + BASE_REASONS) if paid else "awarded",
                most_points_per_order=chosen(chance, [None, None, 7]) if paid else None,
            )
        )
    return activities


def some_rule(chance: np.random.Generator, number: int, first: date) -> Rule:
    def maybe(value: Any, other: Any) -> Any:
        return value if chance.random() < 0.3 else other

    kind = chosen(chance, ["purchase", "purchase", "check_in"])
    fixed = ("points", int(chance.integers(1, 60)), 0)
    ways = [
        ("percent_of_base", int(chance.integers(1, 300)), 0),
        ("points_per_10000_fen", int(chance.integers(1, 300)), 0),
        ("points", int(chance.integers(1, 60)), int(chance.choice([5_000, 30_000]))),
        fixed,
    ]
    caps = {
        name: int(chance.integers(1, 90 if name.startswith("points") else 4))
        for name in CAPS
        if chance.random() < 0.25
    }
    nth = int(chance.integers(1, 4))
    ordinal = (
        chosen(chance, ["day", "week", "month", "year", "ever"]),
        nth,
        chosen(chance, [nth, 10**6]),
    )
    lists = {"merchant_id": ["m1"], "channel": ["store"], "category": ["food"]}
    begin = first + timedelta(days=int(chance.integers(-3, 5)))
    days = ("day", int(chance.integers(5)), int(chance.integers(5)))
    return Rule(
        rule=f"r{number}", business=chosen(chance, ["mall", "outlet"]), activity_type=kind,
        from_date=begin, until_date=begin + timedelta(days=int(chance.integers(1, 20))),
        award=fixed if kind == "check_in" else chosen(chance, ways),
        lists={n: frozenset(v) for n, v in lists.items() if maybe(True, False)},
        weekdays=maybe(frozenset({1, 5, 7}), frozenset()),
        minutes=maybe(chosen(chance, [(1080, 1320), (1320, 120)]), None),
        least_paid_fen=maybe(10_000, 0) if kind == "purchase" else 0,
        tiers=maybe(frozenset({"gold"}), frozenset()), ordinal=maybe(ordinal, None), caps=caps,
        group=chosen(chance, [None, "g"]), rank=int(chance.integers(3)),
        birthday=maybe(chosen(chance, [("month", 0, 0), days]), None),
        mission=maybe("step", None), tag=maybe(chosen(chance, ["regular", "spender"]), None),
        is_full_price_asked=maybe(True, False), campaign=chosen(chance, [None, None, "c1", "c2"]),
    )  # fmt: skip


def some_shared(chance: np.random.Generator, first: date) -> list[Shared]:
    """Caps of two campaigns and of the base rate of two businesses, each for some days."""

    def some(names: tuple[str, ...], most: int, chances: float) -> dict[str, int]:
        return {
            name: int(chance.integers(1, most if name.startswith("points") else 3))
            for name in names
            if chance.random() < chances
        }

    shared = []
    for name in ("c1", "c2", "mall", "outlet"):
        begin = first + timedelta(days=int(chance.integers(-3, 6)))
        end = begin + timedelta(days=int(chance.integers(4, 20)))
        is_campaign = name.startswith("c")
        caps = some(CAPS, 150, 0.3) if is_campaign else some(CAPS_OF_BASE, 900, 0.5)
        shared += [Shared(name, begin, end, caps)] if caps else []
    return shared


def rule_rows(rules: list[Rule]) -> pa.Table:
    rows = []
    for rule in rules:
        way, number, each = rule.award
        ordinal = rule.ordinal or (None, None, None)
        window, *days = rule.birthday or (None, None, None)
        before, after = days if window == "day" else (None, None)
        lists = {n: listed(sorted(v)) for n, v in rule.lists.items()}
        minutes = rule.minutes or (None, None)
        rows.append(
            {
                "rule": rule.rule, "rule_id": rule.rule, "business": rule.business,
                "activity_type": rule.activity_type, "merchants": lists.get("merchant_id"),
                "channels": lists.get("channel"), "categories": lists.get("category"),
                "weekdays": listed([str(day) for day in rule.weekdays]) if rule.weekdays else None,
                "from_minute": minutes[0], "until_minute": minutes[1], way: number,
                "for_each_fen": each or None, "least_paid_fen": rule.least_paid_fen or None,
                "tiers": listed(sorted(rule.tiers)) if rule.tiers else None,
                "ordinal_period": ordinal[0], "ordinal_from": ordinal[1],
                "ordinal_until": ordinal[2], "birthday_window": window,
                "with_mission": rule.mission, "with_tag": rule.tag,
                "is_full_price_asked": rule.is_full_price_asked,
                "birthday_days_before": before, "birthday_days_after": after,
                **rule.caps, "only_best_of": rule.group, "rank": rule.rank,
                "valid_from_date": rule.from_date, "valid_until_date": rule.until_date,
            }
        )  # fmt: skip
    return table_of("bonus_rules", rows)


def shared_rows(rules: list[Rule], shared: list[Shared]) -> Iterator[tuple[str, pa.Table]]:
    def row(caps: Shared, **of: str) -> dict[str, Any]:
        return {**of, **caps.caps, "valid_from_date": caps.from_date,
                "valid_until_date": caps.until_date}  # fmt: skip

    of_rules = [
        row(caps, campaign=caps.name, rule=rule.rule)
        for caps in shared
        for rule in rules
        if rule.campaign == caps.name
    ]
    yield "int_rules__campaign_caps", table_of("campaign_caps", of_rules)
    of_base = [row(caps, business=caps.name) for caps in shared if not caps.name.startswith("c")]
    yield "int_rules__base_caps", table_of("base_caps", of_base)


def table_of(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    columns = TABLES[name]
    return pa.Table.from_pylist(rows, pa.schema([(n, KINDS[k]) for n, k in columns.items()]))


def tags_of(first: date) -> list[Definition]:
    """Two definitions of one tag, one after the other, and money at the mall."""
    begin, change = first - timedelta(days=9), first + timedelta(days=7)
    end = first + timedelta(days=12)
    return [
        Definition("regular", None, begin, change, 5, orders_at_least=3),
        Definition("regular", "mall", change, end, 9, orders_at_least=2),
        Definition("spender", "mall", begin, end, 6, paid_fen_at_least=60_000),
    ]


def tag_row(tag: Definition) -> dict[str, Any]:
    return {
        "tag": tag.tag, "businesses": tag.business and f"|{tag.business}|",
        "within_days": tag.within_days, "orders_at_least": tag.orders_at_least or None,
        "paid_fen_at_least": tag.paid_fen_at_least or None, "valid_from_date": tag.from_date,
        "valid_until_date": tag.until_date, "rule_id": f"{tag.tag}/{tag.from_date}",
    }  # fmt: skip


def tables_of(
    activities: list[Activity], rules: list[Rule], shared: list[Shared]
) -> Iterator[tuple[str, pa.Table]]:
    rows = [
        {n: getattr(a, n) for n in ORDERS if hasattr(a, n)}
        | {"source": "pos", "account_id": a.member_id, "full_points": base_points(a, a.paid_fen)}
        for a in activities
    ]
    schema = pa.schema(list(ORDERS.items()))
    orders = pa.Table.from_pylist([r for r in rows if r["paid_fen"]], schema)
    yield "int_rated_orders", orders
    yield "int_orders", orders
    members = ["M1", "M2", "M3"]
    links = {"source": ["pos"] * 3, "account_id": members, "member_id": members}
    yield "int_member_links", pa.table(links)
    definitions = [tag_row(tag) for tag in tags_of(min(a.business_date for a in activities))]
    yield "int_rules__tags", table_of("tags", definitions)
    yield (
        "int_rated_behaviours",
        pa.Table.from_pylist([row for row in rows if not row["paid_fen"]], schema),
    )
    yield "int_rules__bonus_rules", rule_rows(rules)
    yield from shared_rows(rules, shared)
    zone = {
        "business": ["mall", "outlet"],
        "offset_minutes": [SHANGHAI] * 2,
        "valid_from_date": [date(2010, 1, 1)] * 2,
        "valid_until_date": [date(9999, 12, 31)] * 2,
    }
    yield "int_rules__zone_offsets", pa.table(zone)
    born = {
        "member_id": list(BIRTHDAYS),
        "birth_month": [month for month, _ in BIRTHDAYS.values()],
        "birth_day": [day for _, day in BIRTHDAYS.values()],
    }
    yield "int_member_birthdays", pa.table(born)
    missions = {(a.member_id, *mission) for a in activities for mission in a.missions}
    offered = [
        {
            "mission_id": f"{member}/{begin}", "mission": name, "member_id": member,
            "valid_from_date": begin, "valid_until_date": end + timedelta(days=1),
        }
        for member, name, begin, end in sorted(missions)
    ]  # fmt: skip
    yield "int_offered_missions", pa.Table.from_pylist(offered)
    empty = pa.schema([("activity_id", TEXT), ("reason", TEXT)])
    yield "int_referrals", empty.empty_table()
    refunds = [
        {
            "activity_id": f"{a.activity_id}/{number}", "order_activity_id": a.activity_id,
            "order_date": a.business_date, "remaining_before_fen": before,
            "remaining_after_fen": after, "business_date": a.business_date + timedelta(days=number),
            "business": a.business, "occurred_at": a.occurred_at + timedelta(days=number),
        }
        for a in activities
        for number, (before, after) in enumerate(
            zip([a.paid_fen, *a.left_fen], a.left_fen, strict=False)
        )
    ]  # fmt: skip
    yield "int_refunds", pa.Table.from_pylist(refunds, pa.schema(list(REFUNDS.items())))


World = tuple[list[Activity], list[Rule], list[Shared]]


def world(seed: int) -> World:
    """Forty activities of three members, fourteen rules, about the end of a February or a year."""
    chance = np.random.default_rng(seed)
    first = FIRSTS[seed % len(FIRSTS)]
    said = some_activities(chance, 40, first)
    defined = tags_of(min(a.business_date for a in said))
    activities = [
        replace(a, tags=tags_on(a.member_id, a.business_date, said, defined)) for a in said
    ]
    rules = [some_rule(chance, number, first) for number in range(14)]
    return activities, rules, some_shared(chance, first)


def rated(activities: list[Activity], rules: list[Rule], shared: list[Shared]) -> Outcomes:
    """Every outcome that the reference says, the base rate's before those that rest on it."""
    return rate_all(cap_base(activities, shared), rules, shared, SHANGHAI)


def test_the_worlds_hold_every_outcome_and_every_cap_that_matters() -> None:
    worlds = [world(seed) for seed in range(60)]
    outcomes = {outcome for each in worlds for outcome, _ in rated(*each).values()}
    assert outcomes == {
        *("awarded", "cap_reached", "outranked", "not_the_nth", "tier_not_eligible"),
        *("below_least_paid", "below_one_point", "not_birthday", "birthday_unknown"),
        *("no_mission", "no_tag", *BASE_REASONS),
    }
    matter: set[tuple[bool, str]] = set()
    for activities, rules, shared in worlds:
        everything = cap_base(activities, shared), rated(activities, rules, shared)
        for number, caps in enumerate(shared):
            for name in caps.caps:
                fewer = replace(caps, caps={n: most for n, most in caps.caps.items() if n != name})
                others = [*shared[:number], fewer, *shared[number + 1 :]]
                if everything != (cap_base(activities, others), rated(activities, rules, others)):
                    matter.add((caps.name.startswith("c"), name))
    assert matter == {(True, name) for name in CAPS} | {(False, name) for name in CAPS_OF_BASE}


@pytest.mark.parametrize("seed", range(60))
def test_every_candidate_has_the_outcome_of_the_reference(
    models: dict[str, str], seed: int
) -> None:
    activities, rules, shared = world(seed)
    capped = cap_base(activities, shared)
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as onemember")
        connection.execute("use onemember")
        for name, table in tables_of(activities, rules, shared):
            connection.register("loading", table)
            connection.execute(f"create table {name} as select * from loading")
        for name in MODELS:
            connection.execute(f"create table {name} as {models[name]}")

        def found(columns: str, model: str) -> list[tuple[Any, ...]]:
            return connection.execute(f"select {columns} from {model}").fetchall()

        bonuses = found("activity_id, rule, outcome, awarded_points", "int_capped_bonuses")
        back = found("activity_id, rule, points", "int_bonus_refunds")
        orders = found("activity_id, outcome, full_points", "int_capped_orders")
        base_back = found("activity_id, points", "int_rated_refunds")
    expected = rated(activities, rules, shared)
    assert {(activity, rule): rest for activity, rule, *rest in bonuses} == {
        key: list(outcome) for key, outcome in expected.items()
    }
    by_name, of = {rule.rule: rule for rule in rules}, {a.activity_id: a for a in capped}
    assert {(activity, rule): points for activity, rule, points in back} == {
        (f"{activity}/{number}", rule): points
        for (activity, rule), (outcome, awarded) in expected.items()
        if outcome == "awarded"
        for number, points in enumerate(taken_back(by_name[rule], of[activity], awarded))
    }
    assert sorted(orders) == sorted(
        (a.activity_id, a.outcome, base_points(a, a.paid_fen)) for a in capped if a.paid_fen
    )
    assert sorted(base_back) == sorted(
        (f"{a.activity_id}/{number}", points)
        for a in capped
        for number, points in enumerate(base_taken_back(a))
    )
