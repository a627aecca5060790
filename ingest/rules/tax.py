"""The rule book of tax: what of each movement between parties is tax, by the day of its cause.

Amounts between parties hold their tax. What a business charges its merchants is taxed as their
contract says (`ingest.rules.contracts`), every other movement by this book. What is taken back is
taxed like what it takes back, on the day of that. A payee whose status differs (a small taxpayer)
has a rate of its own for whatever this book taxes; what is no supply stays none.
"""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ingest.core.documents import Document, Written
from ingest.rules.dated import (
    ONE_OR_MORE,
    VALID,
    Columns,
    Dated,
    Row,
    check_known,
    check_unique,
    named,
    periods,
)

TABLES: dict[str, Columns] = {
    "movement_taxes": {
        "movement_type": "text",
        "tax_treatment": "text",
        "tax_per_mille": "whole",
        **VALID,
        "rule_id": "text",
    },
    "payee_taxes": {
        "payee": "text",
        "movement_type": "text",
        "tax_treatment": "text",
        "tax_per_mille": "whole",
        **VALID,
        "rule_id": "text",
    },
}
PerMille = Annotated[int, Field(ge=0, le=1000)]
UNTAXED = ("exempt", "outside")

# The movements that each entry of the book is for; a `_refund` follows what it takes back.
MOVEMENTS: dict[str, tuple[str, ...]] = {
    "points_issued": (
        "accrual",
        "release",
        "claw_back",
        "claw_back_top_up",
        "claw_back_debt",
        "debt_repayment",
        "deposit_return",
    ),
    "points_taken": (
        "redemption",
        "redemption_top_up",
        "redemption_debt",
        "restore",
        "restore_top_up",
        "restore_debt",
    ),
    "sales": ("sale",),
    "points_tenders": ("points_tender",),
    "voucher_subsidies": ("voucher_subsidy", "budget_excess", "budget_excess_refund"),
}


def check_rate(treatment: str, per_mille: int) -> None:
    """ValueError if a treatment without tax names a rate."""
    if treatment in UNTAXED and per_mille != 0:
        raise ValueError(f"{treatment} has no tax; write a rate of 0, not {per_mille}")


class Tax(Written):
    """Treatment and rate, in tax per thousand of the amount without tax (60 is 6 %).

    `outside` is money that is passed on or put down and no supply (不征税), `exempt` a supply that
    is free of tax (免税).
    """

    treatment: Literal["general", "simplified", "exempt", "outside"]
    per_mille: PerMille

    @model_validator(mode="after")
    def _has_its_rate(self) -> Self:
        check_rate(self.treatment, self.per_mille)
        return self


TaxTimeline = Annotated[list[Dated[Tax]], *ONE_OR_MORE]


class Status(Written):
    """How a payee is taxed where others are taxed as the book says."""

    treatment: Literal["general", "simplified", "exempt"]
    per_mille: PerMille

    @model_validator(mode="after")
    def _has_its_rate(self) -> Self:
        check_rate(self.treatment, self.per_mille)
        return self


class Payee(Written):
    """One payee with its status from a date on; null is that of everybody.

    A business, the fund, a party outside the group, or a merchant of a business (mall/S0001).
    """

    payee: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(/\S+)?$")]
    status: Annotated[list[Dated[Status | None]], *ONE_OR_MORE]


class Taxes(Written):
    """rules/programme/tax.yml."""

    points_issued: TaxTimeline
    points_taken: TaxTimeline
    sales: TaxTimeline
    points_tenders: TaxTimeline
    voucher_subsidies: TaxTimeline
    payees: list[Payee] = Field(default_factory=list)


def check_taxes(
    page: Document[Taxes], first_price_date: date, businesses: Collection[str], others: set[str]
) -> None:
    """Taxes of points begin no later than their prices, or a line would have none. Payees are
    parties, each named once; `others` are those that are no business.
    """
    check_unique(page, "payees", [each.payee for each in page.content.payees])
    for number, each in enumerate(page.content.payees):
        owner, _, merchant = each.payee.partition("/")
        known = businesses if merchant else {*businesses, *others}
        check_known(page, ("payees", number, "payee"), "payee", owner, known)
    for name in ("points_issued", "points_taken"):
        first: Dated[Tax] = getattr(page.content, name)[0]
        if first.from_date > first_price_date:
            reason = f"points have a price from {first_price_date} on; begin no later"
            raise page.problem((name, 0, "from"), reason)


def movement_tax_rows(book: Taxes) -> list[Row]:
    """The table `movement_taxes`: a row for each movement and stretch; entries in their order."""
    rows = []
    for name, movement_types in MOVEMENTS.items():
        for stretch in periods(tax=getattr(book, name)):
            tax: Tax = stretch.pop("tax")
            row = {"tax_treatment": tax.treatment, "tax_per_mille": tax.per_mille, **stretch}
            cited = named(row, f"tax/{name}")
            rows += [{"movement_type": movement_type, **cited} for movement_type in movement_types]
    return rows


def payee_tax_rows(book: Taxes) -> list[Row]:
    """The table `payee_taxes`: a row for each payee, movement that is taxed, and stretch in which
    its status differs.
    """
    rows = []
    for each in book.payees:
        for name, movement_types in MOVEMENTS.items():
            for stretch in periods(tax=getattr(book, name), status=each.status):
                tax: Tax = stretch.pop("tax")
                status: Status | None = stretch.pop("status")
                if status is None or tax.treatment in UNTAXED:
                    continue
                said = {"tax_treatment": status.treatment, "tax_per_mille": status.per_mille}
                cited = named({**stretch, **said}, f"tax/{name}", payee=each.payee)
                rows += [{"movement_type": movement, **cited} for movement in movement_types]
    return rows
