"""The rule book of merchants: what the mall takes of their sales, and who pays for vouchers.

A contract is with one merchant, or holds for every merchant of a business, or of one of its
categories, that has none of its own (RULES §9). A voucher programme says by the number on a
voucher who bears it (RULES §8).
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ingest.core.documents import Document, Name, Text, Where, Written
from ingest.rules.budgets import Budget
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Positive,
    Row,
    Whole,
    check_known,
    check_unique,
    named,
    periods,
)
from ingest.rules.lists import once
from ingest.rules.outside import OutsideParty, check_outside_parties
from ingest.rules.tax import PerMille, check_rate
from ingest.rules.voucher_scopes import Scope

OWN_MERCHANT, OWN_BUSINESS = "own_merchant", "own_business"
SUSPENSE = "suspense"  # suspense/mall: the party of what nobody is known to bear
PER_10000 = 10_000
Rate = Annotated[int, Field(ge=0, le=PER_10000)]  # parts of ten thousand: 800 is 8 %
Percent = Annotated[int, Field(ge=1, le=100)]
TenderType = Literal["cash", "card", "wechat", "alipay"]

TABLES: dict[str, Columns] = {
    "merchant_contracts": {
        "business": "text",
        "merchant_id": "text",
        "category": "text",
        "commission_mode": "text",
        "commission_per_10000": "whole",
        "commission_fen_per_order": "whole",
        "merchant_per_10000": "whole",
        "merchant_fen_per_order": "whole",
        "step_method": "text",
        "monthly_minimum_fen": "whole",
        "is_subsidy_in_base": "flag",
        "tax_per_mille": "whole",
        "tax_treatment": "text",
        "settlement_cycle": "text",
        "minimum_payout_fen": "whole",
        **VALID,
        "rule_id": "text",
    },
    "merchant_entities": {
        "business": "text",
        "merchant_id": "text",
        "legal_entity_name": "text",
        "unified_social_credit_code": "text",
    },
    "contract_steps": {
        "contract_id": "text",
        "from_fen": "whole",
        "until_fen": "whole",
        "per_10000": "whole",
    },
    "channel_fees": {"contract_id": "text", "tender_type": "text", "per_10000": "whole"},
    "voucher_funders": {
        "business": "text",
        "programme": "text",
        "voucher_prefix": "text",
        "funder": "text",
        "percent": "whole",
        "fen": "whole",
        "most_fen": "whole",
        "is_bearing_rest": "flag",
        **VALID,
        "rule_id": "text",
    },
}


class Step(Written):
    """The rate of a month's turnover from an amount on, until the next step."""

    from_fen: Annotated[int, Field(ge=0, le=10**15)]
    per_10000: Rate


NEEDED: dict[str, tuple[str, ...]] = {
    "percent": ("per_10000",),
    "fixed": ("fen_per_order",),
    "fixed_and_percent": ("fen_per_order", "per_10000"),
    "tiered": ("steps", "step_method"),
    "remainder": ("merchant_per_10000", "merchant_fen_per_order"),
}


class Commission(Written):
    """What the business keeps of an order, or of a month's turnover.

    `remainder` is what is left of an order's base when the merchant has its own part of it and its
    own amount. `tiered` is worked out when the month is over: by `marginal` each step's rate holds
    for the turnover within it, by `whole` the last step reached holds for all of it.
    """

    mode: Literal["percent", "fixed", "fixed_and_percent", "tiered", "remainder"]
    per_10000: Rate | None = None
    fen_per_order: Whole | None = None
    merchant_per_10000: Rate | None = None
    merchant_fen_per_order: Whole | None = None
    steps: Annotated[list[Step], Field(min_length=1)] | None = None
    step_method: Literal["marginal", "whole"] | None = None

    @model_validator(mode="after")
    def _is_of_its_mode(self) -> Self:
        needed = NEEDED[self.mode]
        written = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if missing := [name for name in needed if name not in written]:
            raise ValueError(f"mode {self.mode} needs {missing[0]}")
        if unwanted := sorted(written - {"mode", *needed}):
            raise ValueError(f"mode {self.mode} knows no {unwanted[0]}")
        starts = [step.from_fen for step in self.steps or ()]
        if starts and starts[0] != 0:
            raise ValueError(f"the first step starts from 0 fen, not {starts[0]}")
        for earlier, later in pairwise(starts):
            if later <= earlier:
                raise ValueError(f"the step from {later} fen must come above {earlier}")
        return self


class Terms(Written):
    """What a contract says from a date on.

    `is_subsidy_in_base`: whether what others pay for a voucher counts in the base of the
    commission. The channel's fee is a part of what was paid by each type of tender. Tax
    is the part of commission, fee and guarantee that is tax: it moves no fen between the two. Cycle
    and least payout do not stand on a line; payouts are proposed by them (`fct_payouts_due`).
    """

    commission: Commission
    monthly_minimum_fen: Positive | None = None
    is_subsidy_in_base: bool = True
    channel_fee_per_10000: dict[TenderType, Rate] = Field(default_factory=dict)
    tax_per_mille: PerMille
    tax_treatment: Literal["general", "simplified", "exempt"]
    settlement_cycle: Literal["monthly", "half_monthly", "weekly", "daily"]
    minimum_payout_fen: Whole = 0

    @model_validator(mode="after")
    def _has_its_tax(self) -> Self:
        check_rate(self.tax_treatment, self.tax_per_mille)
        return self


class Contract(Written):
    """One contract: with a merchant, with those of a category, or with all others of a business.

    Terms of null end it.
    """

    business: Name
    merchant_id: Text | None = None
    category: Text | None = None
    legal_entity_name: Text | None = None
    unified_social_credit_code: Text | None = None
    terms: Annotated[list[Dated[Terms | None]], *ONE_OR_MORE]

    @model_validator(mode="after")
    def _has_one_scope(self) -> Self:
        if self.merchant_id is not None and self.category is not None:
            raise ValueError("a contract is with a merchant or with a category, not with both")
        if self.merchant_id is None and (self.legal_entity_name or self.unified_social_credit_code):
            raise ValueError("only a contract with a merchant names a legal entity")
        return self

    @property
    def scope(self) -> str:
        """Which merchants it is for, within its business."""
        if self.merchant_id is not None:
            return f"merchant:{self.merchant_id}"
        return "others" if self.category is None else f"category:{self.category}"


class Funder(Written):
    """Who bears a part of each voucher: so many percent of what the amounts leave, or an amount of
    fen, and never more than `most_fen` a voucher. Of all vouchers of the version in which it stands
    it bears `budget_fen` at most; months that are over give back what is beyond.

    A business, the fund, a party outside the group, `own_business` (the one that took the voucher)
    or `own_merchant` (the one that sold the goods).
    """

    funder: Name
    percent: Percent | None = None
    fen: Positive | None = None
    most_fen: Positive | None = None
    budget_fen: Budget | None = None

    @model_validator(mode="after")
    def _bears_one_thing(self) -> Self:
        if (self.percent is None) == (self.fen is None):
            raise ValueError("a funder bears percent or fen, one of them")
        return self


class Funding(Written):
    """All funders of a voucher, and for which goods it is, if not for all; `rest` bears what the
    others' limits leave.
    """

    valid_for: Scope | None = None
    funders: Annotated[list[Funder], Field(min_length=1)]
    rest: Name = OWN_BUSINESS

    @model_validator(mode="after")
    def _bears_all(self) -> Self:
        once([each.funder for each in self.funders])
        parts = [each.percent for each in self.funders if each.percent is not None]
        if parts and sum(parts) != 100:
            raise ValueError(f"the percentages make {sum(parts)}, not 100")
        limits = {each.funder: (each.fen, each.most_fen, each.budget_fen) for each in self.funders}
        if any(limits.get(self.rest, ())):
            raise ValueError(f"'{self.rest}' bears what the limits leave and can have none itself")
        if any(
            each.budget_fen and OWN_MERCHANT in (each.funder, self.rest) for each in self.funders
        ):
            raise ValueError(
                f"a budget is of many merchants' vouchers; '{OWN_MERCHANT}' can neither have one "
                "nor bear what is beyond it"
            )
        return self


class VoucherProgramme(Written):
    """Vouchers of a business whose number begins with a prefix; the longest prefix wins. Without
    one it is for all vouchers that no other programme knows.
    """

    programme: Name
    programme_name: Text
    business: Name
    voucher_prefix: Text | None = None
    funding: Annotated[list[Dated[Funding]], *ONE_OR_MORE]


class Contracts(Written):
    """rules/programme/contracts.yml."""

    contracts: list[Contract]
    voucher_programmes: list[VoucherProgramme]
    outside_parties: list[OutsideParty] = Field(default_factory=list)


def check_contracts(page: Document[Contracts], businesses: Collection[str], fund: str) -> None:
    """Contracts and programmes name businesses, each scope and prefix once; what is worked out by
    the month is agreed with one merchant.
    """
    book = page.content
    scopes = [f"{each.business} {each.scope}" for each in book.contracts]
    check_unique(page, "contracts", scopes)
    for number, each in enumerate(book.contracts):
        where: Where = ("contracts", number)
        check_known(page, (*where, "business"), "business", each.business, businesses)
        _check_monthly(page, where, each)
    check_unique(page, "voucher_programmes", [each.programme for each in book.voucher_programmes])
    prefixes = [f"{each.business} {each.voucher_prefix or ''}" for each in book.voucher_programmes]
    check_unique(page, "voucher_programmes", prefixes)
    payers = {*businesses, fund, OWN_BUSINESS, OWN_MERCHANT}
    check_outside_parties(page, book.outside_parties, {*payers, SUSPENSE})
    payers |= {each.party for each in book.outside_parties}
    for number, programme in enumerate(book.voucher_programmes):
        where = ("voucher_programmes", number)
        check_known(page, (*where, "business"), "business", programme.business, businesses)
        for place, name in _named_funders(programme):
            check_known(page, (*where, *place), "funder", name, payers)


def _check_monthly(page: Document[Contracts], where: Where, contract: Contract) -> None:
    """Turnover and guarantees are one merchant's; a default cannot say whose."""
    if contract.merchant_id is not None:
        return
    for number, dated in enumerate(contract.terms):
        place: Where = (*where, "terms", number, "value")
        if dated.value is None:
            continue
        if dated.value.commission.mode == "tiered":
            reason = "commission by steps is for a contract with one merchant"
            raise page.problem((*place, "commission"), reason)
        if dated.value.monthly_minimum_fen is not None:
            reason = "a minimum is for a contract with one merchant"
            raise page.problem((*place, "monthly_minimum_fen"), reason)


def _named_funders(programme: VoucherProgramme) -> Iterator[tuple[Where, str]]:
    """Every funder that a programme names, with its place."""
    for number, dated in enumerate(programme.funding):
        place: Where = ("funding", number, "value")
        yield (*place, "rest"), dated.value.rest
        for position, each in enumerate(dated.value.funders):
            yield (*place, "funders", position, "funder"), each.funder


def merchant_contract_rows(book: Contracts) -> list[Row]:
    """The table `merchant_contracts`: a stretch of a contract a row; none where it had ended."""
    return [
        {
            "business": contract.business,
            "merchant_id": contract.merchant_id,
            "category": contract.category,
            "commission_mode": terms.commission.mode,
            "commission_per_10000": terms.commission.per_10000,
            "commission_fen_per_order": terms.commission.fen_per_order,
            "merchant_per_10000": terms.commission.merchant_per_10000,
            "merchant_fen_per_order": terms.commission.merchant_fen_per_order,
            "step_method": terms.commission.step_method,
            "monthly_minimum_fen": terms.monthly_minimum_fen,
            "is_subsidy_in_base": terms.is_subsidy_in_base,
            "tax_per_mille": terms.tax_per_mille,
            "tax_treatment": terms.tax_treatment,
            "settlement_cycle": terms.settlement_cycle,
            "minimum_payout_fen": terms.minimum_payout_fen,
            **stretch,
        }
        for contract, terms, stretch in _stretches(book)
    ]


def contract_step_rows(book: Contracts) -> list[Row]:
    """The table `contract_steps`: each step with the turnover at which the next one starts."""
    rows = []
    for _, terms, stretch in _stretches(book):
        steps = terms.commission.steps or []
        ends = [*(step.from_fen for step in steps[1:]), None]
        rows += [
            {
                "contract_id": stretch["rule_id"],
                "from_fen": step.from_fen,
                "until_fen": end,
                "per_10000": step.per_10000,
            }
            for step, end in zip(steps, ends, strict=False)
        ]
    return rows


def channel_fee_rows(book: Contracts) -> list[Row]:
    """The table `channel_fees`: the fee of each type of tender a contract."""
    return [
        {"contract_id": stretch["rule_id"], "tender_type": tender_type, "per_10000": rate}
        for _, terms, stretch in _stretches(book)
        for tender_type, rate in sorted(terms.channel_fee_per_10000.items())
    ]


def merchant_entity_rows(book: Contracts) -> list[Row]:
    """The table `merchant_entities`: the legal entity of each merchant whose contract names it."""
    return [
        {name: getattr(each, name) for name in TABLES["merchant_entities"]}
        for each in book.contracts
        if each.merchant_id is not None
    ]


def _stretches(book: Contracts) -> Iterator[tuple[Contract, Terms, Row]]:
    """Each stretch in which a contract's terms hold, with dates, sources and rule id."""
    for contract in book.contracts:
        for stretch in periods(terms=contract.terms):
            terms = stretch.pop("terms")
            if terms is not None:
                keys = {"business": contract.business, "scope": contract.scope}
                yield contract, terms, named(stretch, "contract", **keys)


def voucher_funder_rows(programmes: Sequence[VoucherProgramme]) -> list[Row]:
    """The table `voucher_funders`: each funder of a programme a row, and whoever bears the rest."""
    rows = []
    for programme in programmes:
        for stretch in periods(funding=programme.funding):
            funding = stretch.pop("funding")
            keys = {"business": programme.business, "programme": programme.programme}
            row = {**named(stretch, "voucher", **keys), "voucher_prefix": programme.voucher_prefix}
            said: dict[str, Row] = {
                each.funder: each.model_dump(exclude={"budget_fen"}) for each in funding.funders
            }
            nothing = dict.fromkeys(("percent", "fen", "most_fen"))
            said.setdefault(funding.rest, {"funder": funding.rest, **nothing})
            rows += [
                {**row, **each, "is_bearing_rest": funder == funding.rest}
                for funder, each in said.items()
            ]
    return rows
