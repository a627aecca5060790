"""Which pairs of records are worth a look: those that share one of many keys.

A key is one or two facts of a record. A key value that too many records hold says little and costs
much, so it makes no pairs; how many are too many follows from the data, by key: as large as the
budget of pairs allows, and never more than LARGEST_BLOCK. A small table is compared whole.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numba import njit
from numpy.typing import NDArray

from identity_resolution.records.kinds import phonetic
from identity_resolution.records.table import Records

Ints = NDArray[np.int64]

WHOLE_TABLE = 1000  # records up to which all pairs are compared
LARGEST_BLOCK = 60  # records that may share a key value
PAIRS_A_RECORD = 4  # pairs that one key may add for each record of the table …
PAIRS_A_KEY = 10_000  # … or so many, if that is more

# One or two facts that make a key, as named by _facts.
KEYS = (
    *(("document",), ("document_head", "given_3"), ("document_tail", "given_3")),
    *(("document_head", "birth_year"), ("document_tail", "birth_year")),
    *(("document_head", "word"), ("document_tail", "word"), ("document_head",), ("document_tail",)),
    *(
        ("phone",),
        ("phone_tail", "word"),
        ("email",),
        ("email_user",),
        ("email_start", "birth_year"),
    ),
    *(("birth_date",), ("birth_date", "given_3"), ("birth_date", "surname_3")),
    *(("birth_date", "word"), ("birth_year_month", "word"), ("birth_month_day", "word")),
    *(("birth_year_day", "word"), ("birth_year", "word"), ("birth_year", "given_sound")),
    *(("birth_year", "surname_sound"), ("birth_month_day", "given_sound")),
    *(("birth_month_day", "surname_sound"), ("birth_month_day", "place")),
    *(("names",), ("given_sound", "surname_sound"), ("given_name", "surname_3")),
    *(("surname", "given_3"), ("word",), ("surname_sound",), ("surname", "middle_1")),
    *(("given_name", "place"), ("surname", "place"), ("given_name", "postcode")),
    *(("surname", "postcode"), ("birth_year", "postcode"), ("birth_date", "postcode")),
    *(("address", "given_3"), ("address", "surname_3"), ("address", "birth_year"), ("address",)),
    *(("address", "word"), ("address_word", "street_number"), ("address_word", "given_3")),
    *(("address_word", "birth_year"), ("street_number", "word"), ("street_number", "postcode")),
    *(("street_number", "birth_year"), ("names", "birth_year"), ("email_user", "birth_year")),
    *(
        ("place", "birth_date"),
        ("word", "category"),
        ("number", "word"),
        ("category", "birth_date"),
    ),
)


@dataclass(frozen=True)
class Fact:
    """Which rows hold which value of one fact, in the order of rows; a row may hold several."""

    rows: Ints
    codes: Ints


def candidate_pairs(records: Records) -> tuple[Ints, Ints]:
    """The rows of each pair worth a look, the smaller first, in their order."""
    count = len(records)
    if count <= WHOLE_TABLE:
        low, high = np.triu_indices(count, 1)
        return low.astype(np.int64), high.astype(np.int64)
    facts = _facts(records)
    found = [np.zeros(0, dtype=np.int64)]
    found += [
        block_pairs(reduce(joined_fact, [facts[name] for name in key]), count)
        for key in KEYS
        if set(key) <= set(facts)
    ]
    pairs = np.unique(np.concatenate(found))
    return pairs // count, pairs % count


def joined_fact(one: Fact, other: Fact) -> Fact:
    """The fact that two facts of the same record are together, each with each."""
    start = np.searchsorted(other.rows, one.rows, side="left")
    length = np.searchsorted(other.rows, one.rows, side="right") - start
    first = np.repeat(np.arange(len(one.rows)), length)
    within = np.arange(len(first)) - np.repeat(np.cumsum(length) - length, length)
    width = int(other.codes.max(initial=0)) + 1
    codes = one.codes[first] * width + other.codes[np.repeat(start, length) + within]
    _, codes = np.unique(codes, return_inverse=True)
    return Fact(one.rows[first], codes.astype(np.int64))


def block_pairs(key: Fact, count: int, largest: int | None = None) -> Ints:
    """Pairs of the rows that share a key value, as low × count + high.

    largest: rows that may share a value; None: as many as the budget of pairs allows.
    """
    order = np.lexsort((key.rows, key.codes))
    rows, codes = key.rows[order], key.codes[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    sizes = np.diff(starts, append=len(codes))
    cap = (
        _largest_size(sizes, max(PAIRS_A_RECORD * count, PAIRS_A_KEY))
        if largest is None
        else largest
    )
    is_kept = (sizes > 1) & (sizes <= cap)
    return _pairs_inside(rows, starts[is_kept], sizes[is_kept], count)


def _largest_size(sizes: Ints, budget: int) -> int:
    """The largest size of blocks such that all blocks up to it make no more pairs than budgeted."""
    histogram = np.bincount(np.minimum(sizes, LARGEST_BLOCK + 1), minlength=LARGEST_BLOCK + 2)
    size = np.arange(LARGEST_BLOCK + 1)
    pairs = np.cumsum(histogram[:-1] * size * (size - 1) // 2)
    return int(np.searchsorted(pairs, budget, side="right")) - 1


@njit(cache=True)
def _pairs_inside(rows: Ints, starts: Ints, sizes: Ints, count: int) -> Ints:
    """All pairs of rows inside each block."""
    pairs = np.empty(np.sum(sizes * (sizes - 1) // 2), dtype=np.int64)
    filled = 0
    for start, size in zip(starts, sizes):  # noqa: B905 - numba knows no strict
        for one in range(start, start + size):
            for other in range(one + 1, start + size):
                if rows[one] != rows[other]:
                    pairs[filled] = rows[one] * count + rows[other]
                    filled += 1
    return pairs[:filled]


def _facts(records: Records) -> dict[str, Fact]:
    """What is known of each record, by the name of the fact."""
    facts: dict[str, Fact] = {}
    for name, (kinds, function) in FACTS.items():
        holders: list[tuple[int, str]] = []
        for kind in kinds:
            for field in records.of_kind(kind):
                holders += _holders(records.values[field], function)
        if holders:
            facts[name] = _coded(holders)
    if "given_name" in facts and "surname" in facts:
        both = zip(records.values["given_name"], records.values["surname"], strict=True)
        names = [" ".join(sorted([a, b])) if a and b else None for a, b in both]
        facts["names"] = text_fact(names)
    return facts


def _coded(holders: list[tuple[int, str]]) -> Fact:
    holders = sorted(set(holders))
    rows = np.array([row for row, _ in holders], dtype=np.int64)
    _, codes = np.unique(np.array([value for _, value in holders]), return_inverse=True)
    return Fact(rows, codes.astype(np.int64))


def text_fact(values: Iterable[str | None]) -> Fact:
    """The values themselves as a fact."""
    return _coded(_holders(values, _itself))


def _holders(
    values: Iterable[str | None], function: Callable[[str], Iterable[str]]
) -> list[tuple[int, str]]:
    cache: dict[str, tuple[str, ...]] = {}
    holders = []
    for row, value in enumerate(values):
        if value is None:
            continue
        if value not in cache:
            cache[value] = tuple(part for part in function(value) if part)
        holders += [(row, part) for part in cache[value]]
    return holders


def _itself(value: str) -> tuple[str, ...]:
    return (value,)


def _words(value: str) -> list[str]:
    """The words of a name that are more than an initial; the name without its gaps besides."""
    words = value.split()
    return [word for word in [*words, "".join(words)] if len(word) > 1]


def _start(length: int) -> Callable[[str], tuple[str, ...]]:
    return lambda value: (value[:length],)


def _date_part(*parts: slice) -> Callable[[str], tuple[str, ...]]:
    """Parts of a date of eight characters; nothing where one of them is unknown."""

    def part(value: str) -> tuple[str, ...]:
        found = "".join(value[one] for one in parts)
        return (found,) if len(value) == 8 and "?" not in found else ()

    return part


def _half(is_tail: bool) -> Callable[[str], tuple[str, ...]]:
    """One half of a number that is long enough to tell something by halves."""

    def half(value: str) -> tuple[str, ...]:
        middle = (len(value) + 1) // 2
        return (value[-middle:] if is_tail else value[:middle],) if len(value) >= 5 else ()

    return half


def _longest_word(value: str) -> tuple[str, ...]:
    return (max(value.split(), key=lambda word: (len(word), word)),)


def _sound(value: str) -> tuple[str, ...]:
    return (phonetic(value),)


YEAR, MONTH, DAY = slice(0, 4), slice(4, 6), slice(6, 8)
# The kinds a fact is taken from, and how.
FACTS: dict[str, tuple[tuple[str, ...], Callable[[str], Iterable[str]]]] = {
    "given_name": (("given_name",), _itself),
    "given_3": (("given_name",), _start(3)),
    "given_sound": (("given_name",), _sound),
    "surname": (("surname",), _itself),
    "surname_3": (("surname",), _start(3)),
    "surname_sound": (("surname",), _sound),
    "middle_1": (("middle_name",), _start(1)),
    "word": (("given_name", "surname", "full_name"), _words),
    "names": (("full_name",), _itself),
    "birth_date": (("birth_date",), _itself),
    "birth_year": (("birth_date",), _date_part(YEAR)),
    "birth_year_month": (("birth_date",), _date_part(YEAR, MONTH)),
    "birth_month_day": (("birth_date",), _date_part(MONTH, DAY)),
    "birth_year_day": (("birth_date",), _date_part(YEAR, DAY)),
    "document": (("document",), _itself),
    "document_head": (("document",), _half(False)),
    "document_tail": (("document",), _half(True)),
    "phone": (("phone",), _itself),
    "phone_tail": (("phone",), lambda value: (value[-6:],)),
    "email": (("email",), _itself),
    "email_user": (("email",), lambda value: (value.split("@")[0],)),
    "email_start": (("email",), _start(5)),
    "address": (("address",), _itself),
    "address_word": (("address",), _longest_word),
    "street_number": (("street_number",), _itself),
    "place": (("place",), _itself),
    "postcode": (("postcode",), _itself),
    "category": (("category",), _itself),
    "number": (("number", "birth_year"), _itself),
}
