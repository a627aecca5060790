"""Parties outside the group that bear a part of joint promotions: a brand, a bank (RULES §8).

They issue and take no points; what they owe stands on a statement of their own.
"""

from collections.abc import Collection, Sequence
from typing import Any

from ingest.core.documents import Document, Name, Text, Written
from ingest.rules.dated import Columns, Row, check_unique

TABLES: dict[str, Columns] = {
    "outside_parties": {
        "party": "text",
        "party_name": "text",
        "legal_entity_name": "text",
        "unified_social_credit_code": "text",
    },
}


class OutsideParty(Written):
    """One of them, as a legal entity."""

    party: Name
    party_name: Text
    legal_entity_name: Text
    unified_social_credit_code: Text


def check_outside_parties(
    page: Document[Any], parties: Sequence[OutsideParty], taken: Collection[str]
) -> None:
    """Each is named once, and by no name that is `taken` already."""
    check_unique(page, "outside_parties", [each.party for each in parties])
    for number, each in enumerate(parties):
        if each.party in taken:
            reason = f"'{each.party}' is the name of a party of the group; give it another one"
            raise page.problem(("outside_parties", number, "party"), reason)


def outside_party_rows(parties: Sequence[OutsideParty]) -> list[Row]:
    """The table `outside_parties`, one row each."""
    return sorted((each.model_dump() for each in parties), key=lambda row: str(row["party"]))
