"""Budgets of campaigns: how much a funder bears of a voucher programme in all (RULES §8).

A budget stands beside the funder's share in one version of a programme's funding, and holds for the
vouchers of that version: a new version is a new period with a budget of its own. What is beyond it
the version's `rest` bears.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ingest.rules.dated import VALID, Columns, Row, named, periods

if TYPE_CHECKING:
    from ingest.rules.contracts import VoucherProgramme

Budget = Annotated[int, Field(ge=1, le=10**15)]

TABLES: dict[str, Columns] = {
    "voucher_budgets": {
        "business": "text",
        "programme": "text",
        "programme_name": "text",
        "funder": "text",
        "rest": "text",
        "budget_fen": "whole",
        **VALID,
        "rule_id": "text",
    },
}


def voucher_budget_rows(programmes: Sequence["VoucherProgramme"]) -> list[Row]:
    """The table `voucher_budgets`: a row for each funder with a budget, by version of funding."""
    rows = []
    for programme in programmes:
        for stretch in periods(funding=programme.funding):
            funding = stretch.pop("funding")
            keys = {"business": programme.business, "programme": programme.programme}
            version = named(stretch, "voucher", **keys)
            rows += [
                {
                    **version,
                    "programme_name": programme.programme_name,
                    "funder": each.funder,
                    "rest": funding.rest,
                    "budget_fen": each.budget_fen,
                }
                for each in funding.funders
                if each.budget_fen is not None
            ]
    return rows
