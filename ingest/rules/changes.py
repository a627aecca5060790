"""What a rule book changes, and when: two sets of compiled rules compared value by value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from ingest.rules.compile import TABLES

# Columns that say what a row is about, whichever of them a table has.
ABOUT = (
    "rule", "business", "activity_type", "merchant_id", "layer", "channel", "tier", "benefit",
    "audience", "issuer_business", "redeemer_business", "party", "legacy_tier_name",
)  # fmt: skip
UNTIL = "valid_until_date"
NAMED = "rule_id"  # says the same as the row's subject and date

Key = tuple[str, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class RuleChange:
    """One value that is other than before, from a date on; None where there was or is none."""

    table: str
    about: str
    from_date: date | None
    field: str
    before: Any
    after: Any

    @property
    def effect_date(self) -> date | None:
        """First day on which it changes anything; None where rules have no dates: every day."""
        if self.field != UNTIL:
            return self.from_date
        days: list[date] = [day for day in (self.before, self.after) if day is not None]
        return min(days)


def rule_changes(
    before: Mapping[str, pa.Table], after: Mapping[str, pa.Table]
) -> Iterator[RuleChange]:
    """Changes by table, subject and date; a table that one of them lacks has no rows in it."""
    for name in TABLES:
        old, new = (_by_key(tables.get(name)) for tables in (before, after))
        for key in sorted({*old, *new}):
            yield from _row_changes(name, old.get(key, {}), new.get(key, {}))


def change_table(changes: Iterable[RuleChange]) -> pa.Table:
    """The same as a table of text, for programs that show it."""
    names = ("table", "about", "effect_date", "from_date", "field", "before", "after")
    rows = [{name: _text(getattr(each, name)) for name in names} for each in changes]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _by_key(table: pa.Table | None) -> dict[Key, Row]:
    rows: list[Row] = [] if table is None else table.to_pylist()
    return {(*_subject(row), str(row.get("valid_from_date") or "")): row for row in rows}


def _subject(row: Row) -> Key:
    return tuple(str(row[name]) for name in ABOUT if row.get(name) is not None)


def _row_changes(table: str, old: Row, new: Row) -> Iterator[RuleChange]:
    row = new or old
    for field in row:
        if field in ABOUT or field in (NAMED, "valid_from_date"):
            continue
        one, other = old.get(field), new.get(field)
        if one != other:
            yield RuleChange(
                table, " ".join(_subject(row)), row.get("valid_from_date"), field, one, other
            )
