"""Laws of merchants' orders on orders of chance: whatever is sold, paid, returned, corrected, and
whenever it arrives (RULES §8 to §10).

An example is some orders with their refunds and corrections, told once in one night, which is the
full recompute, and once over three nights, the first of which ends October.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ingest.core.documents import read_document
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from ingest.rules.contracts import Contracts
from tests.pipeline.model_nights import ORDERS_POSTED, PROJECT, Models, Nights, compile_models
from tests.pipeline.test_merchant_orders import (
    BOOK,
    SIGN,
    Paper,
    Sums,
    money_of,
    moved,
    run,
    sums,
    totals,
)

FIRST, OCTOBER_ENDS, LAST = date(2026, 10, 5), date(2026, 10, 31), date(2026, 11, 30)
NIGHTS = (OCTOBER_ENDS, date(2026, 11, 12), LAST)
# Z and P are borne by others whole, so that their fen can be counted one by one; P is of S1, S3.
OTHERS = """  - programme: of_others
    programme_name: 券
    business: mall
    voucher_prefix: Z
    funding: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {funders: [
      {funder: fund, percent: 60}, {funder: own_business, percent: 40}]}}]
  - programme: of_some
    programme_name: 券
    business: mall
    voucher_prefix: PS
    funding: [{from: 2026-01-01, source: Sheet, approved_by: Somebody, value: {
      valid_for: {merchants: [S1, S3]}, funders: [
      {funder: bank, percent: 30}, {funder: own_business, percent: 70}]}}]
"""
Told = dict[date, list[Paper]]
# By a column of the lines, each party's receivable less payable; and what is no movement at all. A
# refund that arrives before an earlier one may move a fen of tax between the two and no amount.
NETS = """
    select key, sum(fen)::bigint, count(distinct party),
        bool_or(amount_fen < 0 or (amount_fen = 0 and tax_fen = 0))
    from (
        select {key} as key, payee_party as party, amount_fen as fen, amount_fen, tax_fen from lines
        union all
        select {key}, payer_party, -amount_fen, amount_fen, tax_fen from lines
    )
    group by key
"""
# What each month was told by the night that ended it, and what later nights told of it.
ORIGINALS = f"""
    select date_trunc('month', business_date)::date as month,
        posted_date::date > last_day(business_date),
        activity_id, movement_type, rule_id,
        case when is_reversal then payee_party else payer_party end,
        case when is_reversal then payer_party else payee_party end,
        sum(amount_fen * {SIGN})::bigint
    from lines group by all
"""


@st.composite
def papers(draw: st.DrawFn, number: int) -> list[Paper]:
    """An order of up to three merchants, its refunds in up to four parts, perhaps a correction."""
    who = draw(st.lists(st.sampled_from(["S1", "S2", "S3", "S4"]), min_size=1, max_size=3))
    due = {merchant: draw(st.integers(1, 30_000)) for merchant in sorted(set(who))}
    total = sum(due.values())
    voucher = draw(st.integers(0, min(total, 3_000)))
    points = draw(st.integers(0, total - voucher))
    # What nobody is known to bear of whom nobody knows is no line, so S4 takes no X and no P.
    letters = ["Q", "Z"] if "S4" in due else ["Q", "X", "Z", "PS"]
    paid: dict[tuple[str, str | None], int] = {
        (draw(st.sampled_from(["wechat", "cash"])), None): total - voucher - points,
        ("points", None): points,
        ("voucher", f"{draw(st.sampled_from(letters))}{number}"): voucher,
    }
    paid = {key: fen for key, fen in paid.items() if fen}
    day = FIRST + timedelta(days=draw(st.integers(0, 40)))
    order = Paper(f"D{number}", 1, day, None, due, paid)
    told = [order, *draw(refunds(order))]
    if draw(st.booleans()):
        key = next(iter(paid))
        more = {name: fen + 7 for name, fen in due.items()}
        paid_more = {**paid, key: paid[key] + 7 * len(due)}
        told.append(replace(order, version=2, due=more, paid=paid_more))
    return told


@st.composite
def refunds(draw: st.DrawFn, order: Paper) -> list[Paper]:
    """Parts of what is left each, the last of them perhaps all of it, or taken back later."""
    count = draw(st.integers(0, 4))
    left_due, left_paid, told = dict(order.due), dict(order.paid), list[Paper]()
    for part in range(count):
        is_all = part == count - 1 and draw(st.booleans())
        due = {who: fen if is_all else draw(st.integers(0, fen)) for who, fen in left_due.items()}
        paid = {key: fen if is_all else draw(st.integers(0, fen)) for key, fen in left_paid.items()}
        left_due = {who: fen - due[who] for who, fen in left_due.items()}
        left_paid = {key: fen - paid[key] for key, fen in left_paid.items()}
        back = {who: -fen for who, fen in due.items()}
        given_back = {key: -fen for key, fen in paid.items()}
        day = order.day + timedelta(days=part)
        told.append(Paper(f"R{part}-{order.number}", 1, day, order.number, back, given_back))
    if told and draw(st.booleans()):
        told.append(replace(told[-1], version=2, is_gone=True))
    return told


@st.composite
def histories(draw: st.DrawFn) -> Told:
    """Papers by the night on which they arrive, none before its day."""
    count = draw(st.integers(1, 5))
    told: Told = {night: [] for night in NIGHTS}
    for number in range(count):
        for paper in draw(papers(number)):
            told[draw(st.sampled_from([night for night in NIGHTS if night >= paper.day]))].append(
                paper
            )
    return told


Tell = Callable[[Told], tuple[Nights, dict[str, Paper]]]


@pytest.fixture(scope="module")
def tell(tmp_path_factory: pytest.TempPathFactory) -> Tell:
    """Run the nights of a history on a lake of its own."""
    models: Models = compile_models(tmp_path_factory.mktemp("models"), ORDERS_POSTED)
    path = tmp_path_factory.mktemp("rules") / "contracts.yml"
    book = BOOK.replace("outside_parties:", OTHERS + "outside_parties:")
    path.write_text(book, encoding="utf-8")
    books = load_rule_books(PROJECT / "rules", PROJECT)
    contracts = read_document(path, Contracts, "rule book").content
    rules: Mapping[str, pa.Table] = compile_rules(replace(books, contracts=contracts))
    return lambda told: run(models, rules, tmp_path_factory.mktemp("lake"), told)


def law(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A property of every history; nights take tenths of a second each."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
        phases = (Phase.reuse, Phase.generate)  # shrinking would take more nights than it is worth
        limits = settings(max_examples=examples, suppress_health_check=slow, phases=phases)
        return limits(given(told=histories())(test))

    return decorate


def asked(nights: Nights, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        connection.register("lines", nights.posted("settlement_lines"))
        return connection.execute(sql).fetchall()


@law(12)
def test_every_fen_is_allocated_once_and_all_parties_are_zero_by_order_day_and_month(
    tell: Tell, told: Told
) -> None:
    nights, believed = tell(told)
    by = moved(sums(nights))
    for name, paper in believed.items():
        of = by[name]
        assert of["sale"] - of["sale_refund"] == money_of(paper), name
        points = paper.paid.get(("points", None), 0)
        assert of["points_tender"] - of["points_tender_refund"] == points, name
        subsidy = of["voucher_subsidy"] - of["voucher_subsidy_refund"]
        voucher, fen = next(
            ((str(key[1]), fen) for key, fen in paper.paid.items() if key[0] == "voucher"), ("", 0)
        )
        # What a merchant bears of Q is its own discount and no line.
        assert subsidy == fen if voucher[:1] != "Q" else 0 <= abs(subsidy) <= abs(fen), name
    for key in ("activity_id", "business_date", "date_trunc('month', posted_date::date)"):
        for of, net, parties, is_nothing in asked(nights, NETS.format(key=key)):
            assert net == 0, (key, of)
            assert not is_nothing
            assert isinstance(parties, int)
            assert parties > 1


@law(12)
def test_any_number_of_partial_refunds_returns_exactly_the_original_legs(
    tell: Tell, told: Told
) -> None:
    nights, believed = tell({LAST: [paper for arrived in told.values() for paper in arrived]})
    families: dict[str, list[Paper]] = defaultdict(list)
    for paper in believed.values():
        families[paper.original or paper.number].append(paper)
    left = legs_left(sums(nights), believed)
    for name, family in families.items():
        open_fen = [fen for order, *_, fen in left if order == name]
        if name in believed and all(fen == 0 for fen in totals(family).values()):
            assert set(open_fen) <= {0}, name
        elif name in believed and believed[name].version == 1:
            assert all(fen >= 0 for fen in open_fen), name  # never more than there was


def legs_left(found: Sums, believed: Mapping[str, Paper]) -> list[tuple[str, int]]:
    """Of each order, what its refunds have left of each leg, by movement, rule and parties."""
    left: dict[tuple[str, ...], int] = defaultdict(int)
    for activity, _, movement, rule, payer, payee, fen in found:
        paper = believed.get(activity)
        if paper is None:
            continue
        order, kind = paper.original or paper.number, movement.removesuffix("_refund")
        back = movement.endswith("_refund")
        pair = (payee, payer) if back else (payer, payee)
        left[order, kind, rule, *pair] += -fen if back else fen
    return [(key[0], fen) for key, fen in left.items()]


@law(12)
def test_what_a_month_said_and_its_adjustments_are_the_full_recompute(
    tell: Tell, told: Told
) -> None:
    whole, _ = tell({LAST: [paper for arrived in told.values() for paper in arrived]})
    nights, _ = tell(told)
    assert by_month(nights) == by_month(whole)
    # And the night that ended October said what a recompute of all that had come would have said.
    so_far, _ = tell({OCTOBER_ENDS: told[OCTOBER_ENDS]})
    assert originals(nights) == originals(so_far)


def test_a_month_of_which_all_is_withdrawn_has_no_guarantee_whatever_came_in_between(
    tell: Tell,
) -> None:
    order = Paper("D0", 1, date(2026, 10, 31), None, {"S1": 900}, {("cash", None): 900})
    refund = Paper("R0", 1, date(2026, 11, 1), "D0", {"S1": -400}, {("cash", None): -400})
    gone = replace(refund, version=2, is_gone=True)
    whole, _ = tell({LAST: [order, refund, gone]})
    nights, _ = tell({NIGHTS[0]: [order], NIGHTS[1]: [refund], LAST: [gone]})
    assert by_month(nights) == by_month(whole)
    assert {month for month, *_ in by_month(nights)} == {date(2026, 10, 1)}


def by_month(nights: Nights) -> dict[tuple[object, ...], int]:
    """Of each month, original and adjustments together, by what moved between whom."""
    together: dict[tuple[object, ...], int] = defaultdict(int)
    for month, _, *content, fen in asked(nights, ORIGINALS):
        assert isinstance(fen, int)
        together[month, *content] += fen
    return {content: fen for content, fen in together.items() if fen}


def originals(nights: Nights) -> set[tuple[object, ...]]:
    """What October's statement said of October."""
    october = date(2026, 10, 1)
    return {
        tuple(content)
        for month, is_late, *content in asked(nights, ORIGINALS)
        if month == october and not is_late
    }
