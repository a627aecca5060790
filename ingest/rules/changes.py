"""What rule books change, and when: two sets of written values compared day by day."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa

from ingest.rules.written import ORDER

Row = dict[str, Any]
Pair = tuple[str | None, str | None]


@dataclass(frozen=True)
class RuleChange:
    """What a place in a book says from one date until another, and what it said before; None where
    it says or said nothing. Values that have no dates hold every day: no effect_date.

    `source` and `approved_by` are those of the value that holds now. A dated value that is new,
    taken away or differently sourced, and leaves every day's value as it is, has before = after.
    """

    book: str
    path: str
    effect_date: date | None
    until_date: date | None
    before: str | None
    after: str | None
    source: str | None = None
    approved_by: str | None = None

    @property
    def is_effective(self) -> bool:
        """Whether any day has another value than before."""
        return self.before != self.after


def rule_changes(
    before: Mapping[str, pa.Table], after: Mapping[str, pa.Table]
) -> Iterator[RuleChange]:
    """Changes by book, path and date between two sets of compiled rules."""
    old, new = (_timelines(tables) for tables in (before, after))
    firsts = {**_first_days(old), **_first_days(new)}
    for book, path in sorted({*old, *new}):
        key = (book, path)
        for change in _path_changes(book, path, old.get(key, []), new.get(key, [])):
            is_whole = change.effect_date is None and not (key in old and key in new)
            first = firsts.get((book, _entry(path))) if is_whole else None
            yield replace(change, effect_date=first) if first else change


def change_table(changes: Iterable[RuleChange]) -> pa.Table:
    """Those that change a value, as a table of text for programs that show it."""
    names = list(RuleChange.__dataclass_fields__)
    rows = [
        {name: _text(getattr(each, name)) for name in names}
        for each in changes
        if each.is_effective
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _timelines(tables: Mapping[str, pa.Table]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in tables["rule_values"].to_pylist() if "rule_values" in tables else []:
        found.setdefault((row["book"], row["path"]), []).append(row)
    return found


def _entry(path: str) -> str:
    """The entry of a list that a path is about, such as tiers[gold]; "" is none."""
    return path[: path.rfind("]") + 1]


def _first_days(timelines: Mapping[tuple[str, str], Sequence[Row]]) -> dict[tuple[str, str], date]:
    """From when on an entry of a list says anything: the words of it that have no dates, too."""
    firsts: dict[tuple[str, str], date] = {}
    for (book, path), rows in timelines.items():
        key, day = (book, _entry(path)), rows[0]["valid_from_date"]
        if key[1] and day is not None:
            firsts[key] = min(day, firsts.get(key, day))
    return firsts


def _path_changes(
    book: str, path: str, old: Sequence[Row], new: Sequence[Row]
) -> Iterator[RuleChange]:
    """Stretches in which a part of the value differs, then dated values that change nothing."""
    days = sorted({_begin(row) for row in (*old, *new)})
    lasting: dict[str, RuleChange] = {}
    begun: set[date] = set()
    found: list[RuleChange] = []
    for day in days:
        was, now = _in_force(old, day), _in_force(new, day)
        pairs = _differences(path, was, now)
        for part, change in list(lasting.items()):
            if pairs.get(part) != (change.before, change.after):
                found.append(replace(lasting.pop(part), until_date=day))
                begun.add(day)
        for part, pair in pairs.items():
            if part not in lasting:
                lasting[part] = _change(book, f"{path}{part}", day, now, pair)
                begun.add(day)
    found += lasting.values()
    yield from sorted(found, key=lambda each: (each.effect_date or date.min, each.path))
    for day in days:
        if day > date.min and day not in begun and _said(old, day) != _said(new, day):
            now = _in_force(new, day)
            value = _shown(json.loads(now["value"])) if now else None
            yield _change(book, path, day, now, (value, value))


def _begin(row: Row) -> date:
    begin: date | None = row["valid_from_date"]
    return begin or date.min


def _in_force(rows: Sequence[Row], day: date) -> Row | None:
    begun = [row for row in rows if _begin(row) <= day]
    return begun[-1] if begun else None


def _said(rows: Sequence[Row], day: date) -> list[tuple[Any, ...]]:
    """What is written for exactly this day."""
    words = ("value", "source", "approved_by")
    return [tuple(row[word] for word in words) for row in rows if _begin(row) == day]


def _differences(path: str, was: Row | None, now: Row | None) -> dict[str, Pair]:
    """What differs on a day, by the part of the value; "" is all of it."""
    one = json.loads(was["value"]) if was else None
    other = json.loads(now["value"]) if now else None
    if path.endswith(f".{ORDER}") and one and other:
        # What comes in between two tiers, or goes, changes nothing for those that stay.
        one, other = [n for n in one if n in other], [n for n in other if n in one]
    if isinstance(one, dict) and isinstance(other, dict):
        before, after = _parts("", one), _parts("", other)
        parts = {part: (before.get(part), after.get(part)) for part in {**before, **after}}
    else:
        parts = {"": (_shown(one), _shown(other))}
    return {part: pair for part, pair in parts.items() if pair[0] != pair[1]}


def _parts(path: str, value: Any) -> dict[str, str | None]:
    """The words of a value of several words, by their place in it."""
    if not isinstance(value, dict):
        return {path: _shown(value)}
    return {part: text for name, each in value.items()
            for part, text in _parts(f"{path}.{name}", each).items()}  # fmt: skip


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _change(book: str, path: str, day: date, now: Row | None, pair: Pair) -> RuleChange:
    begin = None if day == date.min else day
    source, approved_by = (now["source"], now["approved_by"]) if now else (None, None)
    return RuleChange(book, path, begin, None, *pair, source, approved_by)
