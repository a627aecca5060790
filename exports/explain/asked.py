"""What a question is asked of: the current publication, and the member or activity it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from ingest.core.errors import Problem

Row = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """The marts of one publication. night: its business date."""

    marts: duckdb.DuckDBPyConnection
    night: date

    def rows(self, query: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query over the marts."""
        return list(self.marts.execute(query, list(values)).to_arrow_table().to_pylist())

    def first(self, query: str, values: Sequence[object]) -> Row | None:
        """The first row of a query; None if it has none."""
        found = self.rows(query, values)
        return found[0] if found else None

    def known(self, night: date | None) -> date:
        """The night after which something is known, the last one for None; Problem if it is yet to
        come.
        """
        if night is not None and night > self.night:
            raise Problem(f"the last night is {self.night}; nothing is known of {night} yet")
        return night or self.night

    def member(self, named: str) -> str:
        """The member of a member id, or of an account as source:account_id; Problem if there is
        none.
        """
        source, _, account = named.partition(":")
        found = self.rows(
            "select member_id from dim_member_accounts where member_id = ? or"
            " (source = ? and account_id = ?) limit 1",
            [named, source, account],
        )
        if not found:
            raise Problem(
                f"no member or account {named} in the night of {self.night}; give a member id, or"
                " an account as source:account_id"
            )
        return str(found[0]["member_id"])

    def activity(self, named: str) -> Row:
        """The activity of an id, or of a document as business:document_no (its first one that earns
        or spends); Problem if there is none.
        """
        business, _, document = named.partition(":")
        found = self.rows(
            "select * from fct_activities where activity_id = ? or (business = ? and document_no ="
            " ?) order by activity_type not in ('purchase', 'stay'), activity_id limit 1",
            [named, business, document],
        )
        if not found:
            raise Problem(
                f"no activity {named} in the night of {self.night}; give an activity id, or a"
                " document as business:document_no"
            )
        return found[0]
