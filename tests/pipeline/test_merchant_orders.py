"""Orders of merchants, nights long: every fen passed on once, whatever arrives when.

Some weeks of orders of three merchants (one without a contract), paid with money, points and
vouchers (one of which no programme knows); refunds in any number of parts, a refund of an order
that never came; some documents are delivered again, changed or taken back. Every piece arrives on a
night of chance. What a night touches is told here as the mall's model tells it: the document, and
the order and refunds that belong to it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ingest.core.documents import read_document
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from ingest.rules.contracts import Contracts
from tests.ledger.refund_reference import shares_one_by_one
from tests.pipeline.model_nights import NO_ORDERS, PROJECT, Models, Nights, compile_models
from tests.pipeline.test_order_of_arrival import (
    ACTIVITIES,
    BEHAVIOURS,
    DOCUMENTS,
    LINK_CHANGES,
    LINKS,
    PROFILES,
)

FIRST, LAST = date(2026, 10, 5), date(2026, 11, 30)
NIGHTS = [LAST - timedelta(days=9 * number) for number in reversed(range(6))]
BOOK = """contracts:
  - business: mall
    merchant_id: S1
    terms: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      commission: {mode: percent, per_10000: 800}, channel_fee_per_10000: {wechat: 60},
      tax_per_mille: 60, tax_treatment: general, settlement_cycle: monthly}}]
  - business: mall
    merchant_id: S2
    terms: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      commission: {mode: tiered, step_method: marginal, steps: [
        {from_fen: 0, per_10000: 500}, {from_fen: 50000, per_10000: 300}]},
      tax_per_mille: 60, tax_treatment: general, settlement_cycle: monthly}}]
  - business: mall
    merchant_id: S3
    terms: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      commission: {mode: fixed, fen_per_order: 30}, monthly_minimum_fen: 900,
      tax_per_mille: 60, tax_treatment: general, settlement_cycle: monthly}}]
voucher_programmes:
  - programme: coupon
    programme_name: 券
    business: mall
    voucher_prefix: Q
    funding: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {funders: [
      {funder: bank, percent: 40, most_fen: 700, budget_fen: 4000},
      {funder: own_business, percent: 25},
      {funder: own_merchant, percent: 35}]}}]
  - programme: of_two
    programme_name: 两店通用券
    business: mall
    voucher_prefix: P
    funding: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      valid_for: {merchants: [S1, S2]}, funders: [{funder: fund, percent: 100}]}}]
  - programme: group_buy
    programme_name: 团购券
    business: mall
    voucher_prefix: G
    funding: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      funders: [{funder: miniprogram, percent: 80}, {funder: own_merchant, percent: 20}]}}]
outside_parties:
  - party: bank
    party_name: 银行
    legal_entity_name: 示例银行
    unified_social_credit_code: 91310000MA1B000010
"""


@dataclass(frozen=True)
class Paper:
    """One version of a document: due by merchant, paid by (type, voucher), negative in a refund."""

    number: str
    version: int
    day: date
    original: str | None
    due: Mapping[str, int]
    paid: Mapping[tuple[str, str | None], int]
    is_gone: bool = False


def some_papers(chance: np.random.Generator, count: int) -> list[Paper]:
    papers: list[Paper] = []
    for number in range(count):
        day = FIRST + timedelta(days=int(chance.integers(40)))
        who = sorted({f"S{1 + int(chance.choice(4, p=[0.4, 0.3, 0.2, 0.1]))}" for _ in range(2)})
        due = {merchant: int(chance.integers(1, 30_000)) for merchant in who}
        total = sum(due.values())
        voucher = int(chance.choice([0, 0, min(1_000, total), min(2_000, total)]))
        points = int(chance.choice([0, 0, (total - voucher) // 7]))
        number_of_voucher = f"Q{number}" if chance.random() < 0.8 else f"X{number}"
        money = str(chance.choice(["wechat", "cash"]))
        paid = {
            (money, None): total - voucher - points,
            ("points", None): points,
            ("voucher", number_of_voucher): voucher,
        }
        order = Paper(f"D{number}", 1, day, None, due, {k: v for k, v in paid.items() if v})
        papers += [order, *some_refunds(chance, order)]
        if chance.random() < 0.2:
            more = {name: fen + 5 for name, fen in order.due.items()}
            money_more = order.paid.get((money, None), 0) + 5 * len(more)
            changed = {**order.paid, (money, None): money_more}
            papers.append(replace(order, version=2, due=more, paid=changed))
    lost = {("cash", None): -400}
    return [*papers, Paper("R-lost", 1, FIRST, "D-lost", {"S1": -400}, lost)]


def some_refunds(chance: np.random.Generator, order: Paper) -> list[Paper]:
    """None, one, or several, the last of which brings everything back, or is taken back."""
    parts = int(chance.choice([0, 0, 0, 1, 2, 3]))
    left_due, left_paid, refunds = dict(order.due), dict(order.paid), []
    for part in range(parts):
        is_all = part == parts - 1 and chance.random() < 0.7
        back = {
            who: fen if is_all else int(chance.integers(fen + 1)) for who, fen in left_due.items()
        }
        paid = {
            key: fen if is_all else int(chance.integers(fen + 1)) for key, fen in left_paid.items()
        }
        left_due = {who: fen - back[who] for who, fen in left_due.items()}
        left_paid = {key: fen - paid[key] for key, fen in left_paid.items()}
        refund = Paper(
            f"R{part}-{order.number}",
            1,
            order.day + timedelta(days=part),
            order.number,
            {who: -fen for who, fen in back.items()},
            {key: -fen for key, fen in paid.items()},
        )
        refunds.append(refund)
    if refunds and chance.random() < 0.2:
        refunds.append(replace(refunds[-1], version=2, is_gone=True))
    return refunds


def tables(papers: list[Paper], night: date) -> dict[str, pa.Table]:
    """What the models that are given say of the touched documents."""
    there = [paper for paper in papers if not paper.is_gone]
    activities = [
        {"activity_id": paper.number, "document_no": paper.number, "source": "pos",
         "business": "mall", "activity_type": "refund" if paper.original else "purchase",
         "reverses_activity_id": paper.original, "business_date": paper.day, "load_date": night,
         "occurred_at": datetime(paper.day.year, paper.day.month, paper.day.day, 12),
         "paid_fen": money_of(paper), "gross_fen": 0, "discount_fen": 0, "points": 0,
         "source_file": "file", "source_row": 1}
        for paper in there
    ]  # fmt: skip
    items = [
        {"business": "mall", "source": "pos", "activity_id": paper.number,
         "reverses_activity_id": paper.original, "business_date": paper.day, "merchant_id": who,
         "occurred_at": datetime(paper.day.year, paper.day.month, paper.day.day, 12),
         "due_fen": fen, "source_file": "file", "source_row": 1}
        for paper in there for who, fen in paper.due.items()
    ]  # fmt: skip
    tenders = [
        {"activity_id": paper.number, "tender_type": kind, "voucher_no": voucher, "amount_fen": fen}
        for paper in there
        for (kind, voucher), fen in paper.paid.items()
    ]
    documents = [{"business": "mall", "document_no": paper.number} for paper in papers]
    given: dict[str, tuple[list[dict[str, Any]], pa.Schema]] = {
        "int_derived_activities": (activities, ACTIVITIES),
        "int_touched_documents": (documents, DOCUMENTS),
        "int_order_items": (items, NO_ORDERS["int_order_items"]),
        "int_mall__order_tenders": (tenders, NO_ORDERS["int_mall__order_tenders"]),
        "dim_merchants": (
            [{"business": "mall", "merchant_id": f"S{number}"} for number in range(1, 5)],
            NO_ORDERS["dim_merchants"],
        ),
        "int_member_links": ([], LINKS),
        "int_link_changes": ([], LINK_CHANGES),
        "int_accounts": ([], PROFILES),
        "int_behaviours": ([], BEHAVIOURS),
    }
    return {name: pa.Table.from_pylist(rows, schema) for name, (rows, schema) in given.items()}


def money_of(paper: Paper) -> int:
    return sum(fen for (kind, _), fen in paper.paid.items() if kind not in ("voucher", "points"))


def run(
    models: Models, rules: Mapping[str, pa.Table], root: Path, arrivals: Mapping[date, list[Paper]]
) -> tuple[Nights, dict[str, Paper]]:
    """The nights of one order of arrival, and what is believed of each document at the end."""
    nights, newest = Nights(models, rules, root), dict[str, Paper]()
    for night, arrived in arrivals.items():
        for paper in arrived:
            known = newest.get(paper.number, paper)
            newest[paper.number] = max(paper, known, key=lambda each: each.version)
        orders = {paper.original or paper.number for paper in arrived}
        touched = [
            paper for paper in newest.values() if paper.number in orders or paper.original in orders
        ]
        nights.run(night, tables(touched, night))
    return nights, {name: paper for name, paper in newest.items() if not paper.is_gone}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return compile_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    books = load_rule_books(PROJECT / "rules", PROJECT)
    path = tmp_path_factory.mktemp("rules") / "contracts.yml"
    path.write_text(BOOK, encoding="utf-8")
    contracts = read_document(path, Contracts, "rule book").content
    return compile_rules(replace(books, contracts=contracts))


@pytest.fixture(scope="module")
def papers() -> list[Paper]:
    return some_papers(np.random.default_rng(7), 40)


@pytest.fixture(scope="module")
def whole(
    models: Models,
    rules: Mapping[str, pa.Table],
    papers: list[Paper],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Nights, dict[str, Paper]]:
    """One night that gets everything."""
    return run(models, rules, tmp_path_factory.mktemp("whole"), {LAST: papers})


SIGN = "case when is_reversal then -1 else 1 end"
SUMS = """
    select activity_id, business_date, movement_type, rule_id,
        case when is_reversal then payee_party else payer_party end as payer,
        case when is_reversal then payer_party else payee_party end as payee,
        sum({column} * {sign})::bigint as fen
    from lines group by all having fen <> 0 order by all
"""
Sums = list[tuple[Any, ...]]


def sums(nights: Nights, column: str = "amount_fen") -> Sums:
    """What all nights have posted, added up by what it says: the amounts, or the tax inside."""
    with duckdb.connect() as connection:
        connection.register("lines", nights.posted("settlement_lines"))
        return connection.execute(SUMS.format(column=column, sign=SIGN)).fetchall()


def moved(found: Sums) -> dict[str, dict[str, int]]:
    """By document and movement, what moved."""
    by: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for activity, _, movement, _, _, _, fen in found:
        by[activity][movement] += fen
    return by


@pytest.mark.parametrize("seed", range(2))
def test_any_order_of_arrival_adds_up_to_what_one_night_derives(
    models: Models, rules: Mapping[str, pa.Table], papers: list[Paper],
    whole: tuple[Nights, dict[str, Paper]], tmp_path: Path, seed: int,
) -> None:  # fmt: skip
    chance = np.random.default_rng(seed)
    arrivals: dict[date, list[Paper]] = {night: [] for night in NIGHTS}
    for paper in papers:
        possible = [night for night in NIGHTS if night >= paper.day]
        arrivals[possible[int(chance.integers(len(possible)))]].append(paper)
    nights, _ = run(models, rules, tmp_path, arrivals)
    lines = nights.posted("settlement_lines")
    assert True in lines["is_reversal"].to_pylist()
    assert len(set(lines["line_id"].to_pylist())) == lines.num_rows
    assert sums(nights) == sums(whole[0])
    assert sums(nights, "tax_fen") == sums(whole[0], "tax_fen")


def test_every_fen_of_every_document_is_passed_on_once(
    whole: tuple[Nights, dict[str, Paper]],
) -> None:
    """Money and points go to the merchants; of each voucher, all but the merchants' own part, and
    of the bank, which is outside the group, no more than ¥7.00.
    """
    nights, believed = whole
    found = sums(nights)
    by = moved(found)
    for name, paper in believed.items():
        of = by[name]
        assert of["sale"] - of["sale_refund"] == money_of(paper), name
        points = paper.paid.get(("points", None), 0)
        assert of["points_tender"] - of["points_tender_refund"] == points
        voucher = sum(fen for (kind, _), fen in paper.paid.items() if kind == "voucher")
        subsidy = of["voucher_subsidy"] - of["voucher_subsidy_refund"]
        assert 0 <= abs(subsidy) <= abs(voucher)
        of_bank = sum(row[6] for row in found if row[0] == name and row[4] == "bank")
        assert of_bank <= 700
    assert any(row[4] == "bank" for row in found)


@pytest.mark.parametrize("column", ["amount_fen", "tax_fen"])
def test_an_order_that_comes_back_in_parts_leaves_nothing_of_any_leg(
    whole: tuple[Nights, dict[str, Paper]], column: str
) -> None:
    nights, believed = whole
    families: dict[str, list[Paper]] = defaultdict(list)
    for paper in believed.values():
        families[paper.original or paper.number].append(paper)
    gone = {
        name
        for name, family in families.items()
        if len(family) > 1 and all(total == 0 for total in totals(family).values())
    }
    assert len(gone) > 3
    left: dict[tuple[str, ...], int] = defaultdict(int)
    for activity, _, movement, rule, payer, payee, fen in sums(nights, column):
        paper = believed.get(activity)
        if paper and (paper.original or paper.number) in gone:
            order = paper.original or paper.number
            if movement.endswith("_refund"):
                left[order, movement.removesuffix("_refund"), rule, payee, payer] -= fen
            else:
                left[order, movement, rule, payer, payee] += fen
    assert left
    assert set(left.values()) == {0}


def totals(family: list[Paper]) -> dict[tuple[str, str | None], int]:
    """What is left of each component of an order after its refunds."""
    sums_of: dict[tuple[str, str | None], int] = defaultdict(int)
    for paper in family:
        for (kind, voucher), fen in paper.paid.items():
            sums_of["money" if kind in ("wechat", "cash") else kind, voucher] += fen
    return sums_of


def half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


def test_each_order_is_shared_as_a_slow_reference_says(
    whole: tuple[Nights, dict[str, Paper]],
) -> None:
    """Sale, subsidies and charges of S1 (8 %, 0.6 % of WeChat) and S3 (¥0.30 an order)."""
    nights, believed = whole
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for activity, _, movement, _, payer, payee, fen in sums(nights):
        merchant = payer if movement in ("commission", "channel_fee") else payee
        found[activity, merchant, movement] += fen
    checked = 0
    for name, paper in believed.items():
        if paper.original is not None:
            continue
        who = sorted(paper.due)
        weights = [paper.due[merchant] for merchant in who]
        money = shares_one_by_one(money_of(paper), weights)
        points = shares_one_by_one(paper.paid.get(("points", None), 0), weights)
        vouchers = [(key[1], fen) for key, fen in paper.paid.items() if key[0] == "voucher"]
        voucher, fen = vouchers[0] if vouchers else (None, 0)
        shares = shares_one_by_one(fen, weights)
        for place, merchant in enumerate(who):
            if merchant == "S4":
                continue
            party = f"mall/{merchant}"
            assert found[name, party, "sale"] == money[place]
            subsidy = found[name, party, "voucher_subsidy"]
            if voucher and str(voucher).startswith("Q") and fen * 40 <= 70_000:
                parts = shares_one_by_one(shares[place], [40, 25, 35])
                assert abs(subsidy - parts[0] - parts[1]) <= (0 if len(who) == 1 else 1)
            elif voucher and str(voucher).startswith("X"):
                assert subsidy == shares[place]
            base = money[place] + points[place] + subsidy
            is_wechat = ("wechat", None) in paper.paid
            fee = half_up(Fraction(money[place] * 60, 10_000)) if is_wechat else 0
            commission = {"S1": half_up(Fraction(base * 8, 100)), "S2": 0, "S3": 30}[merchant]
            assert found[name, party, "commission"] == commission
            assert found[name, party, "channel_fee"] == (fee if merchant == "S1" else 0)
            checked += 1
    assert checked > 40


def test_what_nobody_is_known_to_bear_is_in_suspense(
    whole: tuple[Nights, dict[str, Paper]],
) -> None:
    """S4 has no contract, no programme knows X…, and the order of R-lost never came."""
    found = sums(whole[0])
    suspense = [row for row in found if "suspense/mall" in row[4:6]]
    cited = (rule for row in suspense for rule in row[3].split())
    reasons = {rule for rule in cited if rule.startswith("suspense/")}
    assert reasons == {
        "suspense/no_contract",
        "suspense/unknown_voucher",
        "suspense/unknown_order",
    }
    lost = [row for row in found if row[0] == "R-lost"]
    rules = "suspense/unknown_order tax/sales/2024-01-01"
    assert [row[2:] for row in lost] == [("sale_refund", rules, "suspense/mall", "mall", 400)]
    assert not any("mall/S4" in row[4:6] for row in found)


def subsidies(found: Sums, of: str) -> set[tuple[object, ...]]:
    """Sales and what others bear of vouchers, of one document: movement, payer, payee, fen."""
    kinds = ("sale", "voucher_subsidy", "sale_refund", "voucher_subsidy_refund", "commission")
    return {(row[2], *row[4:]) for row in found if row[0] == of and row[2] in kinds}


def test_a_voucher_for_some_merchants_pays_them_and_the_money_what_it_leaves(
    models: Models, rules: Mapping[str, pa.Table], tmp_path: Path
) -> None:
    """¥10.00 for S1 (¥30.00) and S2 (¥15.00) is 6.67 and 3.33; the other ¥75.00 are what is left of
    each: 23.33, 11.67, and S3's ¥40.00. S3 sold nothing that the second voucher is for; and the
    third is worth a fen more than what S1 sold.
    """
    paid = {("cash", None): 7500, ("voucher", "P1"): 1000}
    back = {("cash", None): -2333, ("voucher", "P1"): -667}
    papers = [
        Paper("D1", 1, FIRST, None, {"S1": 3000, "S2": 1500, "S3": 4000}, paid),
        Paper("D2", 1, FIRST, None, {"S3": 900}, {("voucher", "P2"): 900}),
        Paper("D3", 1, FIRST, None, {"S1": 100, "S3": 100},
              {("voucher", "P3"): 101, ("cash", None): 99}),
        Paper("R1", 1, FIRST, "D1", {"S1": -3000}, back),
    ]  # fmt: skip
    nights, _ = run(models, rules, tmp_path, {LAST: papers})
    found = sums(nights)
    charges = ("commission", "channel_fee")
    assert {row for row in subsidies(found, "D1") if row[0] not in charges} == {
        ("voucher_subsidy", "fund", "mall/S1", 667),
        ("voucher_subsidy", "fund", "mall/S2", 333),
        ("sale", "mall", "mall/S1", 2333),
        ("sale", "mall", "mall/S2", 1167),
        ("sale", "mall", "mall/S3", 4000),
    }
    assert {row for row in subsidies(found, "R1") if row[0] not in charges} == {
        ("voucher_subsidy_refund", "mall/S1", "fund", 667),
        ("sale_refund", "mall/S1", "mall", 2333),
    }
    suspense = [row[3].split()[1] for row in found if row[4] == "suspense/mall"]
    assert suspense == ["suspense/voucher_out_of_scope"] * 3
    assert ("voucher_subsidy", "suspense/mall", "mall/S3", 900) in subsidies(found, "D2")
    assert ("voucher_subsidy", "suspense/mall", "mall/S1", 51) in subsidies(found, "D3")


def test_a_group_buy_voucher_is_paid_by_who_sold_it_and_no_more_than_it_was_sold_for(
    models: Models, rules: Mapping[str, pa.Table], tmp_path: Path
) -> None:
    """A guest paid ¥80.00 to the mini-program for a voucher of ¥100.00, and uses it for S1's ¥60.00
    and S3's ¥60.00: each is owed ¥40.00 by the mini-program and gives ¥10.00 itself. Commission of
    S1 is 8 % of 10.00 + 40.00, S3's ¥0.30. Half of S1's goods come back: a quarter of the voucher.
    """
    paid = {("cash", None): 2000, ("voucher", "G1"): 10_000}
    back = {("cash", None): -500, ("voucher", "G1"): -2500}
    papers = [
        Paper("D1", 1, FIRST, None, {"S1": 6000, "S3": 6000}, paid),
        Paper("R1", 1, FIRST, "D1", {"S1": -3000}, back),
    ]
    nights, _ = run(models, rules, tmp_path, {LAST: papers})
    found = sums(nights)
    assert subsidies(found, "D1") == {
        ("sale", "mall", "mall/S1", 1000),
        ("sale", "mall", "mall/S3", 1000),
        ("voucher_subsidy", "miniprogram", "mall/S1", 4000),
        ("voucher_subsidy", "miniprogram", "mall/S3", 4000),
        ("commission", "mall/S1", "mall", 400),
        ("commission", "mall/S3", "mall", 30),
    }
    assert subsidies(found, "R1") == {
        ("sale_refund", "mall/S1", "mall", 500),
        ("voucher_subsidy_refund", "mall/S1", "miniprogram", 2000),
    }


def test_months_that_are_over_have_their_steps_and_guarantee(
    whole: tuple[Nights, dict[str, Paper]],
) -> None:
    """S2 pays 5 % of ¥500.00 of turnover and 3 % beyond; S3 at least ¥9.00 a month."""
    found = sums(whole[0])
    for month in (date(2026, 10, 31), date(2026, 11, 30)):
        turnover = commission = 0
        monthly = {row[2]: row[6] for row in found if row[0] is None and row[1] == month}
        for activity, day, movement, _, payer, payee, fen in found:
            if activity is None or (day.year, day.month) != (month.year, month.month):
                continue
            sign = -1 if movement.endswith("_refund") else 1
            kind = movement.removesuffix("_refund")
            if "mall/S2" in (payer, payee):
                turnover += sign * fen
            if "mall/S3" in (payer, payee) and kind == "commission":
                commission += sign * fen
        first = min(turnover, 50_000)
        rest = max(turnover - 50_000, 0)
        assert monthly["commission"] == half_up(Fraction(first * 500 + rest * 300, 10_000))
        assert monthly.get("minimum_guarantee", 0) == max(900 - commission, 0)


def test_a_bank_bears_its_budget_of_40_00_and_the_mall_gives_back_the_rest_by_the_month(
    whole: tuple[Nights, dict[str, Paper]],
) -> None:
    found = sums(whole[0])
    given_back = {row[1]: row[4:] for row in found if row[2].startswith("budget_excess")}
    used = excess = 0
    for month in (date(2026, 10, 31), date(2026, 11, 30)):
        for _, day, movement, _, payer, payee, fen in found:
            if movement.startswith("voucher_subsidy") and "bank" in (payer, payee):
                used += (fen if payer == "bank" else -fen) if day.month == month.month else 0
        more = max(used - 4000, 0) - excess
        excess += more
        assert given_back.get(month, (None, None, 0)) == (
            ("mall", "bank", more) if more >= 0 else ("bank", "mall", -more)
        )
    owed = sum(
        (fen if payer == "bank" else -fen)
        for *_, payer, payee, fen in found
        if "bank" in (payer, payee)
    )
    assert excess > 0
    assert owed == 4000
