"""How Splink compares each kind of field: the levels of agreement between equal and different."""

from collections.abc import Callable
from typing import Any

import splink.comparison_level_library as levels
import splink.comparison_library as comparisons

from identity_resolution.records.table import Field, Records

# Pairs of names that stand in each other's column count as a level of their own.
SWAPPED = "given_name_l = surname_r and surname_l = given_name_r"


def comparison(field: Field, records: Records) -> comparisons.CustomComparison:
    """The levels of agreement of a field; equal ones are worth more the rarer the value is."""
    chosen: list[Any] = [
        levels.NullLevel(field.name),
        levels.ExactMatchLevel(field.name, term_frequency_adjustments=True),
    ]
    if field.name in ("given_name", "surname") and {"given_name", "surname"} <= set(records.values):
        chosen.append(levels.CustomLevel(SWAPPED, "names the other way round"))
    chosen += [level(field.name) for level in LEVELS.get(field.kind, ())]
    return comparisons.CustomComparison(
        output_column_name=field.name, comparison_levels=[*chosen, levels.ElseLevel()]
    )


def _alike(threshold: float) -> Callable[[str], Any]:
    return lambda column: levels.JaroWinklerLevel(column, threshold)


def _edits(count: int) -> Callable[[str], Any]:
    return lambda column: levels.DamerauLevenshteinLevel(column, count)


def _where(label: str, condition: str) -> Callable[[str], Any]:
    return lambda column: levels.CustomLevel(condition.replace("{}", column), label)


_INITIAL = _where(
    "one is the beginning of the other",
    "substr({}_l, 1, least(length({}_l), length({}_r))) = "
    "substr({}_r, 1, least(length({}_l), length({}_r)))",
)
_NAME = (_alike(0.92), _INITIAL, _alike(0.8))

LEVELS: dict[str, tuple[Callable[[str], Any], ...]] = {
    "given_name": _NAME,
    "surname": _NAME,
    "full_name": (_alike(0.95), _alike(0.88), _alike(0.8)),
    "middle_name": (_INITIAL,),
    "birth_date": (
        _edits(1),
        _where(
            "month and day the other way round",
            "{}_l = substr({}_r, 1, 4) || substr({}_r, 7, 2) || substr({}_r, 5, 2)",
        ),
        _where("same year and month", "substr({}_l, 1, 6) = substr({}_r, 1, 6)"),
        _where("same month and day", "substr({}_l, 5) = substr({}_r, 5)"),
        _where("same year", "substr({}_l, 1, 4) = substr({}_r, 1, 4)"),
    ),
    "birth_year": (_edits(1),),
    "document": (_edits(1), _edits(2)),
    "phone": (_edits(1), _edits(2)),
    "email": (
        _where("same name before the @", "split_part({}_l, '@', 1) = split_part({}_r, '@', 1)"),
        _alike(0.95),
        _alike(0.88),
    ),
    "address": (_alike(0.95), _alike(0.88), _alike(0.75)),
    "street_number": (_edits(1),),
    "place": (_alike(0.92), _alike(0.8)),
    "postcode": (_edits(1),),
    "number": (_edits(1),),
}
