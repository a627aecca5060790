"""For which goods the vouchers of a programme are: those of some merchants, or of some categories.

A scope stands in one version of a programme's funding. Without one its vouchers are universal: for
whatever is sold (RULES §8).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from ingest.core.documents import Written
from ingest.rules.dated import Columns, Row, named, periods
from ingest.rules.lists import Listed

if TYPE_CHECKING:
    from ingest.rules.contracts import VoucherProgramme

TABLES: dict[str, Columns] = {
    "voucher_scopes": {
        "business": "text",
        "programme": "text",
        "merchant_id": "text",
        "category": "text",
        "rule_id": "text",
    },
}


class Scope(Written):
    """Merchants, and categories of merchants, whose goods a voucher pays for."""

    merchants: Listed | None = None
    categories: Listed | None = None

    @model_validator(mode="after")
    def _names_somebody(self) -> Self:
        if self.merchants is None and self.categories is None:
            raise ValueError("a voucher valid for some goods names their merchants or categories")
        return self


def voucher_scope_rows(programmes: Sequence["VoucherProgramme"]) -> list[Row]:
    """The table `voucher_scopes`: a row for each merchant or category, by version of funding."""
    rows = []
    for programme in programmes:
        for stretch in periods(funding=programme.funding):
            scope = stretch.pop("funding").valid_for
            keys = {"business": programme.business, "programme": programme.programme}
            version = {**named(stretch, "voucher", **keys), "merchant_id": None, "category": None}
            if scope is not None:
                rows += [{**version, "merchant_id": each} for each in scope.merchants or ()]
                rows += [{**version, "category": each} for each in scope.categories or ()]
    return rows
