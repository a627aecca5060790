"""Every value of the rule books with its place: book, path, date, source and who approved it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from ingest.core.documents import Written
from ingest.rules.books import RuleBooks
from ingest.rules.dated import SAID, VALID, Columns, Row

TABLES: dict[str, Columns] = {
    "rule_values": {
        "book": "text",
        "path": "text",
        **VALID,
        "value": "text",  # JSON
        **SAID,
    },
    "rule_versions": {"rule_id": "text", "rule_name": "text", **VALID, **SAID},
}
DATED = {"from_date", "value", *SAID}
NAMES = (
    "rule_name", "tier_name", "benefit_name", "reward_name", "audience_name", "mission_name",
    "tag_name", "campaign_name",
)  # fmt: skip
# What names the entries of a list, if not their first word; feeds have nothing but their place.
NAMED_BY: Mapping[str, Sequence[str]] = {
    "exceptions": ("issuer_business", "redeemer_business"),
    "feeds": (),
    "contracts": ("business", "merchant_id", "category"),
}
PROGRAMME = (
    "points", "earning", "missions", "tags", "tiers", "entitlements", "marketing", "settlement",
    "migrations", "contracts", "channels", "tax",
)  # fmt: skip
ORDER = "order"  # of tiers, their places in the list decide who ranks above whom


def written_value_rows(books: RuleBooks) -> list[Row]:
    """The table `rule_values`: one row a dated value, and one for each word that has no dates."""
    rows: list[Row] = []
    for name, book in _books(books):
        content = book.model_dump(mode="json", exclude_defaults=True)
        rows += [{"book": name, **row} for row in _rows((), content)]
    return sorted(rows, key=lambda row: (row["book"], row["path"], str(row["valid_from_date"])))


def rule_version_rows(tables: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The table `rule_versions`: what each rule id that a figure may cite leans on."""
    columns = TABLES["rule_versions"]
    versions = {
        row["rule_id"]: {
            **{name: row[name] for name in columns if name != "rule_name"},
            "rule_name": next((row[name] for name in NAMES if name in row), None),
        }
        for rows in tables.values()
        for row in rows
        if "rule_id" in row
    }
    return [versions[rule_id] for rule_id in sorted(versions)]


def _books(books: RuleBooks) -> Iterator[tuple[str, Written]]:
    for business in books.businesses:
        yield f"businesses/{business.business}.yml", business
    for name in PROGRAMME:
        yield f"programme/{name}.yml", getattr(books, name)


def _rows(path: tuple[str, ...], content: Any) -> Iterator[Row]:
    """Rows of whatever stands at a path."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from _rows((*path, name), value)
    elif _is_dated(content):
        yield from _timeline(path, content)
    elif isinstance(content, list) and content and isinstance(content[0], Mapping):
        names = _names(path[-1], content)
        if path == ("tiers",):
            yield _row((*path, ORDER), names)
        for name, value in zip(names, content, strict=True):
            yield from _rows((*path[:-1], f"{path[-1]}[{name}]"), value)
    else:
        yield _row(path, content)


def _is_dated(content: Any) -> bool:
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, Mapping) and first.keys() == DATED


def _timeline(path: tuple[str, ...], values: list[Row]) -> Iterator[Row]:
    days = [date.fromisoformat(value["from_date"]) for value in values]
    for value, (begin, end) in zip(values, pairwise([*days, None]), strict=True):
        valid = {"valid_from_date": begin, "valid_until_date": end}
        said = {name: value[name] for name in SAID}
        yield {**_row(path, value["value"]), **valid, **said}


def _names(of: str, entries: list[Row]) -> list[str]:
    keys = NAMED_BY.get(of, list(entries[0])[:1])
    if not keys:
        return [str(number) for number in range(1, len(entries) + 1)]
    return [" ".join(str(entry[key]) for key in keys if key in entry) for entry in entries]


def _row(path: Sequence[str], value: Any) -> Row:
    undated = dict.fromkeys((*VALID, *SAID))
    return {"path": ".".join(path), **undated, "value": json.dumps(value, ensure_ascii=False)}
