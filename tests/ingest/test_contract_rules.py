"""The rule book of merchants: what it refuses, with file and line, and what it compiles to."""

from datetime import date
from pathlib import Path

import pytest

from ingest.core.errors import Problem
from ingest.rules.books import load_rule_books
from ingest.rules.changes import rule_changes
from ingest.rules.compile import compile_rules
from tests.ingest.rule_books import PROJECT, change, compiled, must_refuse

BOOK = """contracts:
  - business: mall
    category: food
    terms:
      - from: 2026-01-01
        value:
          commission: {mode: percent, per_10000: 800}
          channel_fee_per_10000: {wechat: 60}
          tax_per_mille: 60
          tax_treatment: general
          settlement_cycle: monthly
        source: Sheet
        approved_by: Somebody
      - from: 2026-03-01
        value: null
        source: Notice
        approved_by: Somebody
  - business: mall
    merchant_id: S1
    legal_entity_name: 甲公司
    terms:
      - from: 2026-02-01
        value:
          commission:
            mode: tiered
            step_method: whole
            steps: [{from_fen: 0, per_10000: 400}, {from_fen: 100, per_10000: 300}]
          monthly_minimum_fen: 5000
          is_subsidy_in_base: false
          tax_per_mille: 60
          tax_treatment: general
          settlement_cycle: weekly
        source: Lease
        approved_by: Somebody
voucher_programmes:
  - programme: coupon
    programme_name: 券
    business: mall
    voucher_prefix: Q
    funding:
      - from: 2026-01-01
        value:
          funders: [{funder: fund, percent: 60, most_fen: 900}, {funder: own_merchant, percent: 40}]
        source: Charter
        approved_by: Somebody
"""


@pytest.fixture
def rules(rules: Path) -> Path:
    """A copy of the project's rule books with contracts of our own."""
    (rules / "programme" / "contracts.yml").write_text(BOOK, encoding="utf-8")
    return rules


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("- business: mall", "- business: maul", 2, "unknown business 'maul'"),
        ("mode: percent, per", "mode: percentage, per", 7, "should be 'percent'"),
        ("{mode: percent, per_10000: 800}", "{mode: percent}", 7, "mode percent needs per_10000"),
        ("{mode: percent, per", "{mode: fixed, per", 7, "mode fixed needs fen_per_order"),
        ("800}", "800, fen_per_order: 1}", 7, "mode percent knows no fen_per_order"),
        ("per_10000: 800", "per_10000: 10001", 7, "less than or equal to 10000"),
        ("{wechat: 60}", "{points: 60}", 8, "should be 'cash', 'card', 'wechat' or 'alipay'"),
        ("tax_per_mille: 60", "tax_per_mille: 1001", 9, "less than or equal to 1000"),
        ("tax_treatment: general", "tax_treatment: none", 10, "should be 'general'"),
        ("category: food", "category: food\n    merchant_id: S9", 2, "not with both"),
        ("category: food", "legal_entity_name: x", 2, "only a contract with a merchant names"),
        ("merchant_id: S1\n    legal_entity_name: 甲公司", "category: food", 18, "described twice"),
        ("merchant_id: S1\n    legal_entity_name: 甲公司", "category: toys", 23, "by steps is for"),
        ("tax_per", "monthly_minimum_fen: 1\n          tax_per", 9, "a minimum is for a con"),
        ("{from_fen: 0, per", "{from_fen: 1, per", 24, "first step starts from 0 fen, not 1"),
        ("{from_fen: 100, per", "{from_fen: 0, per", 24, "from 0 fen must come above 0"),
        ("2026-03-01", "2026-01-01", 4, "must come after 2026-01-01"),
        ("funder: fund", "funder: found", 43, "unknown funder 'found'"),
        ("percent: 60", "percent: 61", 42, "the percentages make 101, not 100"),
        ("percent: 60, ", "", 43, "a funder bears percent or fen"),
        ("percent: 60, ", "percent: 60, fen: 1, ", 43, "a funder bears percent or fen"),
        ("percent: 40}]", "percent: 40}]\n          rest: fund", 42, "'fund' bears what"),
        ("percent: 40}]", "percent: 40, budget_fen: 5}]", 42, "a budget is of many merchants'"),
        ("most_fen: 900", "budget_fen: 0", 43, "greater than or equal to 1"),
        (
            "most_fen: 900}, {funder: own_merchant, percent: 40}]",
            "budget_fen: 9}, {funder: own_business, percent: 40}]\n          rest: own_merchant",
            42,
            "a budget is of many merchants'",
        ),
        ("percent: 40}]", "percent: 40}]\n          rest: nobody", 44, "unknown funder 'nobody'"),
        ("own_merchant, percent", "fund, percent", 42, "stands here twice"),
        ("funders:", "valid_for: {}\n          funders:", 43, "names their merchants"),
        ("funders:", "valid_for: {merchants: []}\n          funders:", 43, "at least 1 item"),
        ("funders:", "valid_for: {categories: [a, a]}\n          funders:", 43, "here twice"),
    ],
)  # fmt: skip
def test_a_spoiled_contract_is_refused_with_its_line(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "contracts.yml"
    change(path, old, new)
    must_refuse(rules, path, line, reason)


def test_a_book_of_contracts_must_be_there(rules: Path) -> None:
    path = rules / "programme" / "contracts.yml"
    path.unlink()
    with pytest.raises(Problem, match=r"contracts\.yml is missing"):
        load_rule_books(rules, PROJECT)


def test_a_contract_holds_from_a_date_until_it_ends(rules: Path) -> None:
    rows = compiled(rules, "merchant_contracts")
    assert [
        (row["merchant_id"], row["category"], row["valid_from_date"], row["valid_until_date"])
        for row in rows
    ] == [(None, "food", date(2026, 1, 1), date(2026, 3, 1)), ("S1", None, date(2026, 2, 1), None)]
    assert [row["rule_id"] for row in rows] == [
        "contract/mall/category:food/2026-01-01",
        "contract/mall/merchant:S1/2026-02-01",
    ]
    assert [row["is_subsidy_in_base"] for row in rows] == [True, False]
    assert [row["minimum_payout_fen"] for row in rows] == [0, 0]


def test_steps_and_fees_belong_to_their_contract(rules: Path) -> None:
    contract = "contract/mall/merchant:S1/2026-02-01"
    assert [tuple(row.values()) for row in compiled(rules, "contract_steps")] == [
        (contract, 0, 100, 400),
        (contract, 100, None, 300),
    ]
    assert [tuple(row.values()) for row in compiled(rules, "channel_fees")] == [
        ("contract/mall/category:food/2026-01-01", "wechat", 60)
    ]
    assert compiled(rules, "merchant_entities") == [
        {"business": "mall", "merchant_id": "S1", "legal_entity_name": "甲公司",
         "unified_social_credit_code": None}
    ]  # fmt: skip


def test_the_business_that_took_a_voucher_bears_the_rest_unless_somebody_else_does(
    rules: Path,
) -> None:
    def funders() -> list[tuple[object, ...]]:
        names = ("funder", "percent", "most_fen", "is_bearing_rest")
        rows = compiled(rules, "voucher_funders")
        return [tuple(row[name] for name in names) for row in rows]

    limited = ("fund", 60, 900, False)
    assert funders() == [
        limited,
        ("own_merchant", 40, None, False),
        ("own_business", None, None, True),
    ]
    change(
        rules / "programme" / "contracts.yml",
        "percent: 40}]",
        "percent: 40}]\n          rest: own_merchant",
    )
    assert funders() == [limited, ("own_merchant", 40, None, True)]


def test_a_change_of_terms_is_named_by_its_contract(rules: Path) -> None:
    before = compile_rules(load_rule_books(rules, PROJECT))
    path = rules / "programme" / "contracts.yml"
    change(path, "monthly_minimum_fen: 5000", "monthly_minimum_fen: 6000")
    (only,) = rule_changes(before, compile_rules(load_rule_books(rules, PROJECT)))
    assert (only.book, only.path, only.effect_date) == (
        "programme/contracts.yml",
        "contracts[mall S1].terms.monthly_minimum_fen",
        date(2026, 2, 1),
    )  # fmt: skip


def test_every_rule_that_a_line_of_a_merchant_may_cite_says_where_it_comes_from(
    rules: Path,
) -> None:
    versions = {row["rule_id"]: row["source"] for row in compiled(rules, "rule_versions")}
    assert versions["contract/mall/merchant:S1/2026-02-01"] == "Lease"
    assert versions["voucher/mall/coupon/2026-01-01"] == "Charter"


OUTSIDE = """outside_parties:
  - party: bank
    party_name: 银行
    legal_entity_name: 示例银行
    unified_social_credit_code: 91310000MA1B000010
"""


def test_each_version_of_a_funding_has_budgets_of_its_own(rules: Path) -> None:
    """¥9.00 from January, ¥5.00 from March until further notice, none of the merchant's part."""
    path = rules / "programme" / "contracts.yml"
    assert compiled(rules, "voucher_budgets") == []
    version = """      - from: 2026-03-01
        value:
          funders: [{funder: fund, percent: 100, budget_fen: 500}]
          rest: hotel
        source: Charter
        approved_by: Marketing
"""
    change(path, "most_fen: 900", "budget_fen: 900")
    path.write_text(path.read_text(encoding="utf-8") + version, encoding="utf-8")
    rows = compiled(rules, "voucher_budgets")
    names = ("funder", "rest", "budget_fen", "valid_from_date", "valid_until_date", "rule_id")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (
            *("fund", "own_business", 900, date(2026, 1, 1), date(2026, 3, 1)),
            "voucher/mall/coupon/2026-01-01",
        ),
        ("fund", "hotel", 500, date(2026, 3, 1), None, "voucher/mall/coupon/2026-03-01"),
    ]


def test_a_voucher_is_for_all_goods_or_for_those_that_its_version_names(rules: Path) -> None:
    path = rules / "programme" / "contracts.yml"
    assert compiled(rules, "voucher_scopes") == []
    change(
        path, "funders:", "valid_for: {merchants: [S2, S1], categories: [food]}\n          funders:"
    )
    rows = compiled(rules, "voucher_scopes")
    assert [(row["merchant_id"], row["category"], row["rule_id"]) for row in rows] == [
        ("S2", None, "voucher/mall/coupon/2026-01-01"),
        ("S1", None, "voucher/mall/coupon/2026-01-01"),
        (None, "food", "voucher/mall/coupon/2026-01-01"),
    ]


def test_a_party_outside_the_group_can_bear_a_voucher(rules: Path) -> None:
    path = rules / "programme" / "contracts.yml"
    path.write_text(BOOK.replace("funder: fund", "funder: bank") + OUTSIDE, encoding="utf-8")
    assert compiled(rules, "outside_parties") == [
        {
            "party": "bank",
            "party_name": "银行",
            "legal_entity_name": "示例银行",
            "unified_social_credit_code": "91310000MA1B000010",
        }
    ]
    assert "bank" in {row["funder"] for row in compiled(rules, "voucher_funders")}


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("party: bank", "party: mall", 1, "'mall' is the name of a party of the group"),
        ("party: bank", "party: fund", 1, "'fund' is the name of a party of the group"),
        ("party: bank", "party: suspense", 1, "'suspense' is the name of a party of the group"),
        ("party: bank", "party: a/b", 1, "party"),
        ("    legal_entity_name: 示例银行\n", "", 1, "legal_entity_name"),
        (OUTSIDE[17:], OUTSIDE[17:] * 2, 5, "'bank' is described twice"),
    ],
)
def test_a_spoiled_party_outside_the_group_is_refused(
    rules: Path, old: str, new: str, line: int, reason: str
) -> None:
    path = rules / "programme" / "contracts.yml"
    path.write_text(BOOK + OUTSIDE.replace(old, new, 1), encoding="utf-8")
    must_refuse(rules, path, BOOK.count("\n") + 1 + line, reason)
