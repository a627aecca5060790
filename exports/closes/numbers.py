"""Statement numbers: JS-<month>-<party>-<number>-v<version>, of letters, digits and dashes.

The number counts a party's statements of a year, 1, 2, 3 … without a gap (QUALITY, the statement
pack A). A later version of a statement keeps its number.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Issued(NamedTuple):
    """A number that was given out."""

    party: str
    year: int
    number: int


def next_number(issued: Iterable[Issued], party: str, year: int) -> int:
    """The number after the last one that a party was given in a year; 1 for its first."""
    taken = [each.number for each in issued if (each.party, each.year) == (party, year)]
    return max(taken, default=0) + 1


def statement_no(period: str, party: str, number: int, version: int) -> str:
    """How a statement is called; `period` as YYYY-MM."""
    return f"JS-{period}-{party_code(party)}-{number:03d}-v{version}"


def party_code(party: str) -> str:
    """A party as a number names it: MALL-S0001 for the merchant mall/S0001, which no file name and
    no address has to escape. The names of businesses hold no dash, so no two parties share one.
    """
    return party.replace("/", "-").upper()
