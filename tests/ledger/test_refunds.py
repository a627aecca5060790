"""What refunds take back of an order's legs: worked by hand, and on orders of chance."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.errors import run_command
from ingest.core.lake import Lake, write_parquet
from ledger.__main__ import main
from ledger.refund_night import EVENTS, refund_legs
from ledger.refunds import Leg, Refund, Taken, fold_refunds, largest_remainder
from tests.ledger.refund_reference import left_after, shares_one_by_one


def leg(merchant: str, component: str, funder: str, fen: int, in_base: bool = True) -> Leg:
    return Leg(merchant, f"mall/{merchant}", component, funder, "rule", fen, in_base)


# RULES §8 and §9: ¥120.00 and ¥79.90, a voucher of ¥50.00, 8 % commission, 0.6 % channel fee.
ORDER = [
    leg("M1", "money", "mall", 8998),
    leg("M2", "money", "mall", 5992),
    leg("M1", "voucher/V1", "fund", 1201),
    leg("M1", "voucher/V1", "mall", 750),
    leg("M1", "voucher/V1", "mall/M1", 1051, in_base=False),
    leg("M2", "voucher/V1", "fund", 799),
    leg("M2", "voucher/V1", "mall", 500),
    leg("M2", "voucher/V1", "mall/M2", 699, in_base=False),
    leg("M1", "commission", "mall", 876, in_base=False),
    leg("M1", "channel_fee", "mall", 54, in_base=False),
    leg("M2", "commission", "mall", 583, in_base=False),
    leg("M2", "channel_fee", "mall", 36, in_base=False),
]


def taken_of(legs: Sequence[Leg], refunds: Sequence[Refund]) -> dict[tuple[str, ...], int]:
    """What all refunds together take of each leg, by merchant, component and funder."""
    found: Counter[tuple[str, ...]] = Counter()
    for each in fold_refunds(legs, refunds):
        found[name(each)] += each.amount_fen
    return dict(found)


def name(taken: Taken) -> tuple[str, ...]:
    if taken.leg is None:
        return ("beyond", taken.component)
    return (taken.leg.merchant_id, taken.component, taken.leg.funder_party)


def everything(legs: Iterable[Leg]) -> dict[tuple[str, ...], int]:
    return {(each.merchant_id, each.component, each.funder_party): each.amount_fen for each in legs}


# moneyphp/money tests/MoneyTest.php, allocationExamples (MIT), as ../shared/data/conformance has
# them; tests/pipeline/test_conformance.py runs that file itself, where it is.
@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (5, [3, 7], [2, 3]),
        (5, [7, 3], [4, 1]),
        (5, [7, 3, 0], [4, 1, 0]),
        (-5, [7, 3], [-3, -2]),
        (5, [0, 7, 3], [0, 4, 1]),
        (5, [7, 0, 3], [4, 0, 1]),
        (5, [0, 0, 1], [0, 0, 5]),
        (5, [0, 3, 7], [0, 2, 3]),
        (0, [0, 0, 1], [0, 0, 0]),
        (2, [1, 1, 1], [1, 1, 0]),
        (1, [1, 1], [1, 0]),
        (1, [33, 66], [0, 1]),
        (101, [3, 7], [30, 71]),
        (101, [7, 3], [71, 30]),
        # The same file, allocationTargetExamples: equal parts.
        (15, [1, 1], [8, 7]),
        (10, [1, 1], [5, 5]),
        (15, [1, 1, 1], [5, 5, 5]),
        (10, [1, 1, 1], [4, 3, 3]),
        # RULES §10, the cases of moneyphp #492 and dinero #144.
        (10_000, [1, 1, 1], [3334, 3333, 3333]),
        (9_999, [75, 25], [7499, 2500]),
        (1_003, [49, 51], [491, 512]),
        (7, [0, 0], [0, 0]),
    ],
)
def test_a_total_is_shared_by_largest_remainder(
    total: int, weights: list[int], shares: list[int]
) -> None:
    assert largest_remainder(total, weights) == shares


def test_a_full_refund_takes_every_leg_back() -> None:
    refund = Refund("r1", {"M1": 12_000, "M2": 7_990}, {"money": 14_990, "voucher/V1": 5_000})
    assert taken_of(ORDER, [refund]) == everything(ORDER)


def test_the_goods_of_one_merchant_come_back_from_its_own_legs() -> None:
    refund = Refund("r1", {"M2": 7_990}, {"money": 5_992, "voucher/V1": 1_998})
    own = [each for each in ORDER if each.merchant_id == "M2"]
    assert taken_of(ORDER, [refund]) == everything(own)


def test_half_of_the_goods_take_half_of_what_is_left() -> None:
    """M1 brings ¥60.00 back for 44.99 of money and 15.01 of the voucher. Of 1201, 750 and 1051:
    600.5, 375 and 525.5, the fen to the first; base 4499 + 601 + 375 of 10949, so 8.76 gives
    438.04 back, and half of the money takes half of 54.
    """
    refund = Refund("r1", {"M1": 6_000}, {"money": 4_499, "voucher/V1": 1_501})
    assert taken_of(ORDER, [refund]) == {
        ("M1", "money", "mall"): 4_499,
        ("M1", "voucher/V1", "fund"): 601,
        ("M1", "voucher/V1", "mall"): 375,
        ("M1", "voucher/V1", "mall/M1"): 525,
        ("M1", "commission", "mall"): 438,
        ("M1", "channel_fee", "mall"): 27,
    }


def test_what_a_till_gives_back_in_money_alone_is_taken_of_others_only_where_it_must_be() -> None:
    """M1 got 75 of money and 25 of the voucher, and gives 100 back in money: 25 beyond its own are
    of M2's. When M2's goods come back for the rest, nothing is left of anybody.
    """
    order = [
        leg("M1", "money", "mall", 75),
        leg("M2", "money", "mall", 75),
        leg("M1", "voucher/V", "fund", 25),
        leg("M2", "voucher/V", "fund", 25),
    ]
    first = Refund("r1", {"M1": 100}, {"money": 100})
    second = Refund("r2", {"M2": 100}, {"money": 50, "voucher/V": 50})
    assert taken_of(order, [first]) == {("M1", "money", "mall"): 75, ("M2", "money", "mall"): 25}
    assert taken_of(order, [first, second]) == everything(order)


def test_what_is_given_back_beyond_the_order_has_no_leg() -> None:
    order = [leg("M1", "money", "mall", 100)]
    refunds = [Refund("r1", {"M1": 60}, {"money": 60}), Refund("r2", {"M1": 60}, {"money": 60})]
    assert [(name(each), each.amount_fen) for each in fold_refunds(order, refunds)] == [
        (("M1", "money", "mall"), 60),
        (("M1", "money", "mall"), 40),
        (("beyond", "money"), 20),
    ]
    other = [Refund("r1", {"M1": 10}, {"points": 10})]
    assert taken_of(order, other) == {("beyond", "points"): 10}


def test_goods_of_a_merchant_that_the_order_does_not_have_come_back_from_all() -> None:
    order = [leg("M1", "money", "mall", 75), leg("M2", "money", "mall", 25)]
    refund = Refund("r1", {"M9": 10}, {"money": 10})
    assert taken_of(order, [refund]) == {("M1", "money", "mall"): 8, ("M2", "money", "mall"): 2}


def test_a_fixed_charge_of_an_order_without_a_base_goes_back_with_the_goods() -> None:
    """Paid with a voucher of the merchant's own alone; 2.00 an order. Half of it is 1.00."""
    order = [
        leg("M1", "voucher/V", "mall/M1", 500, in_base=False),
        leg("M1", "commission", "mall", 200, in_base=False),
    ]
    half = Refund("r1", {"M1": 250}, {"voucher/V": 250})
    assert taken_of(order, [half])["M1", "commission", "mall"] == 100
    assert taken_of(order, [half, half]) == everything(order)


FEN = st.integers(0, 30_000)


@pytest.mark.parametrize("own_discount", [0, 5])
def test_a_fixed_charge_of_a_merchant_whose_part_is_nothing_goes_back_with_the_order(
    own_discount: int,
) -> None:
    """S3's fen of ¥1.68 gets nothing by largest remainder, or its own discount alone, and it still
    pays ¥0.30: half of the order takes half of that back, the other half the rest.
    """
    legs = [
        leg("S1", "money", "mall", 100),
        leg("S3", "money", "mall", 0),
        leg("S3", "voucher/V", "mall/S3", own_discount, in_base=False),
        leg("S3", "commission", "mall", 30, in_base=False),
    ]
    gone = {"voucher/V": own_discount} if own_discount else {}
    half = Refund("r1", {"S1": 50}, {"money": 50})
    rest = Refund("r2", {"S1": 50, "S3": 1}, {"money": 50, **gone})
    assert taken_of(legs, [half]) == {
        ("S1", "money", "mall"): 50,
        **({} if own_discount else {("S3", "commission", "mall"): 15}),
    }
    left = {key: fen for key, fen in everything(legs).items() if fen}
    assert taken_of(legs, [half, rest]) == left


@st.composite
def orders(draw: st.DrawFn, merchants: int = 3) -> tuple[list[Leg], list[Refund]]:
    """An order, and refunds that together give all of it back, each some of each component."""
    names = [f"M{number}" for number in range(draw(st.integers(1, merchants)))]
    funders = {"money": ["mall"], "points": ["mall"], "voucher/V": ["fund", "mall", "own"]}
    legs = [
        leg(merchant, component, funder, draw(FEN), in_base=funder != "own")
        for component, payers in funders.items()
        for merchant in names
        for funder in payers
    ]
    legs += [
        leg(merchant, charge, "mall", draw(st.integers(0, 3_000)), in_base=False)
        for merchant in names
        for charge in ("commission", "channel_fee")
    ]
    left = Counter[str]()
    for each in legs:
        if not each.is_charge:
            left[each.component] += each.amount_fen
    refunds = []
    count = draw(st.integers(1, 6))
    for number in range(count):
        parts = {
            component: fen if number == count - 1 else draw(st.integers(0, fen))
            for component, fen in left.items()
        }
        left.subtract(parts)
        who = draw(st.lists(st.sampled_from([*names, "M9"]), unique=True))
        returned = {merchant: draw(FEN) for merchant in who}
        refunds.append(Refund(f"r{number}", returned, parts))
    return legs, refunds


@settings(max_examples=150)
@given(orders())
def test_any_number_of_partial_refunds_takes_back_exactly_the_legs(
    case: tuple[list[Leg], list[Refund]],
) -> None:
    legs, refunds = case
    taken = fold_refunds(legs, refunds)
    assert all(each.amount_fen > 0 and each.leg is not None for each in taken)
    for refund in refunds:  # every fen given back is taken of some leg, once
        for component, fen in refund.given_back.items():
            assert fen == sum(
                each.amount_fen
                for each in taken
                if each.activity_id == refund.activity_id and each.component == component
            )
    sums = {key: fen for key, fen in everything(legs).items() if fen > 0}
    got = taken_of(legs, refunds)
    charged_nothing = {  # what was made of nothing at all cannot come back with anything
        key for key in sums.keys() - got.keys() if key[1] in ("commission", "channel_fee")
    }
    assert got == {key: fen for key, fen in sums.items() if key not in charged_nothing}
    for merchant, component, _ in charged_nothing:
        own = [each for each in legs if each.merchant_id == merchant and not each.is_charge]
        own = [each for each in own if component == "commission" or each.component == "money"]
        assert sum(each.amount_fen for each in own if each.is_in_base) == 0


@settings(max_examples=100)
@given(orders(merchants=1), st.integers(0, 5))
def test_the_fold_says_what_the_slow_reference_says(
    case: tuple[list[Leg], list[Refund]], seen: int
) -> None:
    """Of one merchant with a base, after some of the refunds."""
    legs, refunds = case
    if not any(each.is_in_base and each.amount_fen for each in legs):
        return
    got = taken_of(legs, refunds[:seen])
    left = [fen - got.get(key, 0) for key, fen in everything(legs).items()]
    assert left == left_after(legs, refunds[:seen])


@settings(max_examples=150)
@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_shares_are_whole_within_a_fen_of_exact_and_add_up(total: int, weights: list[int]) -> None:
    shares = largest_remainder(total, weights)
    assert shares == shares_one_by_one(total, weights)
    if sum(weights) > 0:
        assert sum(shares) == total
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share * sum(weights) - total * weight) < sum(weights)
            assert weight > 0 or share == 0


def event(number: int, activity: str, kind: str, **said: object) -> dict[str, object]:
    nothing = dict.fromkeys(EVENTS.names)
    known = {"order_id": f"o{number}", "business": "mall", "business_date": date(2026, 5, number)}
    return {**nothing, **known, "activity_id": activity, "event": kind, "base_fen": 0, **said}


TWO_ORDERS = [
    event(1, "o1", "leg", merchant_id="S1", merchant_party="mall/S1", component="money",
          funder_party="mall", rule_id="c", amount_fen=100, base_fen=100),
    event(1, "o1", "leg", merchant_id="S1", merchant_party="mall/S1", component="voucher/V",
          funder_party="fund", rule_id="c v", amount_fen=10, base_fen=10),
    event(1, "o1", "leg", merchant_id="S1", merchant_party="mall/S1", component="voucher/V",
          funder_party="mall/S1", rule_id="c v", amount_fen=10),
    event(1, "o1", "leg", merchant_id="S1", merchant_party="mall/S1", component="commission",
          funder_party="mall", rule_id="c", amount_fen=11),
    event(1, "r1", "given_back", component="money", amount_fen=110),
    event(1, "r1", "given_back", component="voucher/V", amount_fen=25),
    event(1, "r1", "returned", merchant_id="S1", amount_fen=135),
    event(2, "o2", "leg", merchant_id="S2", merchant_party="suspense/mall", component="points",
          funder_party="mall", rule_id="suspense/no_contract", amount_fen=7, base_fen=7),
    event(2, "r2", "given_back", component="points", amount_fen=7),
]  # fmt: skip


def test_refunds_of_a_night_are_movements_between_parties() -> None:
    """The merchant's own part of the voucher moves nothing. ¥0.10 of money more than the order had
    is owed by suspense; 5 fen of a voucher that nobody had paid for by nobody.
    """
    rows = [tuple(row.values()) for row in refund_legs(table(TWO_ORDERS)).to_pylist()]
    assert rows == [
        ("r1", "mall/S1", "mall", "sale_refund", "c", 100),
        ("r1", "mall/S1", "fund", "voucher_subsidy_refund", "c v", 10),
        ("r1", "suspense/mall", "mall", "sale_refund", "suspense/refund_exceeds_order", 10),
        ("r1", "mall/S1", "mall", "commission_refund", "c", 11),
        ("r2", "suspense/mall", "mall", "points_tender_refund", "suspense/no_contract", 7),
    ]


def test_the_step_writes_the_night_s_legs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    lake, night = Lake(tmp_path), date(2026, 5, 3)
    write_parquet(table(TWO_ORDERS), lake.handover("int_refund_events"))
    assert run_command(main, ["refunds", "--date", "2026-05-03"]) == 0
    assert pq.ParquetFile(lake.raw("ledger", "refund_legs", night)).read().num_rows == 5
    write_parquet(EVENTS.empty_table(), lake.handover("int_refund_events"))
    assert run_command(main, ["refunds", "--date", "2026-05-03"]) == 0
    assert pq.ParquetFile(lake.raw("ledger", "refund_legs", night)).read().num_rows == 0


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, EVENTS)
