"""Numbers that other projects publish as their tests, by this project's own function and SQL.

Every case of the file is run, by the shape it has, so a case that is added there is run here.
"""

import json
import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ledger.refunds import Leg, Refund, fold_refunds, largest_remainder
from tests.pipeline.model_nights import PROJECT, compile_models

DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parents[1] / "shared" / "data")
CASES = DATA / "conformance" / "third_party_cases.json"
SHARES = "int_order_shares"
Share = Callable[[int, Sequence[int]], list[int]]

pytestmark = pytest.mark.skipif(
    not CASES.is_file(), reason=f"no third-party cases in {CASES} (MEMBER_DATA)"
)


def cases(is_of_shape: Callable[[Any], bool]) -> list[Any]:
    """Every case of a shape, named by its section and place."""
    if not CASES.is_file():
        return []
    sections = json.loads(CASES.read_text(encoding="utf-8"))
    return [
        pytest.param(case, id=f"{section}-{place}")
        for section, content in sections.items()
        if isinstance(content, dict)
        for place, case in enumerate(content.get("cases", []))
        if is_of_shape(case)
    ]


def is_allocation(case: Any) -> bool:
    """[total, weights or how many equal parts, shares]."""
    return isinstance(case, list) and len(case) == 3 and isinstance(case[2], list)


def is_refund(case: Any) -> bool:
    return isinstance(case, dict) and "requested_fen" in case


def is_unknown(case: Any) -> bool:
    return not is_allocation(case) and not is_refund(case)


def weights_of(said: int | list[float]) -> list[int]:
    """Whole weights in the same proportion."""
    if isinstance(said, int):
        return [1] * said
    exact = [Fraction(str(weight)) for weight in said]
    scale = lcm(*(weight.denominator for weight in exact))
    return [int(weight * scale) for weight in exact]


@pytest.fixture(scope="module")
def share_by_sql(tmp_path_factory: pytest.TempPathFactory) -> Share:
    """The model that shares a component of an order over its merchants, in their order."""
    models = compile_models(tmp_path_factory.mktemp("models"), {"shares": SHARES})

    def share(total: int, weights: Sequence[int]) -> list[int]:
        with duckdb.connect() as work:
            work.execute("attach ':memory:' as onemember; use onemember")
            work.execute(
                "create table int_share_weights as select 'mall' as business, 'D' as activity_id,"
                " date '2026-10-01' as business_date, format('M{:02d}', place) as merchant_id,"
                " 'mall' as merchant_party, 'r' as rule_id, weight::bigint as weight,"
                " 'money' as component, null::varchar as voucher_no, ?::bigint as amount_fen"
                " from (select unnest(range(len(?))) as place, unnest(?) as weight)",
                [total, weights, weights],
            )
            rows = work.execute(
                f"select share_fen from ({models.sql[SHARES]}) order by merchant_id"
            ).fetchall()
        return [fen for (fen,) in rows]

    return share


@pytest.mark.parametrize("case", cases(is_allocation))
def test_a_total_is_shared_as_others_share_it(case: Any, share_by_sql: Share) -> None:
    total, said, shares = case
    weights = weights_of(said)
    assert largest_remainder(total, weights) == shares
    # A refund is folded, so SQL shares no amount below 0; of 0 there is no share.
    if total > 0:
        assert share_by_sql(total, weights) == shares


@pytest.mark.parametrize("case", cases(is_refund))
def test_a_partial_refund_gives_the_coupon_s_part_back_to_its_funder(case: dict[str, int]) -> None:
    """What comes back of the order is shared over what paid for it; the rest comes back later."""
    paid = {"money": case["cash_paid_fen"], "voucher/V": case["coupon_fen"]}
    assert sum(paid.values()) == case["order_total_fen"]
    back = dict(zip(paid, largest_remainder(case["requested_fen"], [*paid.values()]), strict=True))
    assert back["money"] == case["refund_fen"]
    rest = {component: fen - back[component] for component, fen in paid.items()}
    funders = {"money": "mall", "voucher/V": "fund"}
    legs = [
        Leg("M1", "mall/M1", component, funders[component], "rule", fen, is_in_base=True)
        for component, fen in paid.items()
    ]
    left = case["order_total_fen"] - case["requested_fen"]
    refunds = [
        Refund("r1", {"M1": case["requested_fen"]}, back),
        Refund("r2", {"M1": left}, {component: fen for component, fen in rest.items() if fen}),
    ]
    taken = fold_refunds(legs, refunds)
    first = {each.component: each.amount_fen for each in taken if each.activity_id == "r1"}
    assert first == {component: fen for component, fen in back.items() if fen}
    for component, fen in paid.items():
        assert fen == sum(each.amount_fen for each in taken if each.component == component)


def test_no_case_of_the_file_is_left_out() -> None:
    assert [param.id for param in cases(is_unknown)] == []
    assert cases(is_allocation)
    assert cases(is_refund)
