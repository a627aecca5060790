"""Laws of closed months on months of chance: what was handed to finance stays for ever, and the
newest statements together say what all lines say, each once on either side.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from exports.months import last_day, month_text
from exports.statements.verify import verify_statements
from tests.exports.closing_group import (
    PARTIES,
    Group,
    Line,
    closed,
    files_of,
    lines_of,
    manifest,
    through,
)

MONTHS = (date(2026, 1, 1), date(2026, 2, 1))


@dataclass(frozen=True)
class Told:
    """What the nights of a month bring, in fen by (payer, payee): its own lines, late ones of
    January, and, if it is restated, what that takes in.
    """

    own: list[tuple[str, str, int]]
    late: list[tuple[str, str, int]]
    restated: list[tuple[str, str, int]]


@st.composite
def movements(draw: st.DrawFn, least: int = 0) -> list[tuple[str, str, int]]:
    pairs = st.sampled_from([(a, b) for a in PARTIES for b in PARTIES if a != b])
    amounts = st.integers(1, 10**9)
    drawn = draw(st.lists(st.tuples(pairs, amounts), min_size=least, max_size=4))
    return [(payer, payee, fen) for (payer, payee), fen in drawn]


def months_of_chance() -> st.SearchStrategy[list[Told]]:
    told = st.builds(Told, movements(least=1), movements(), movements())
    return st.lists(told, min_size=len(MONTHS), max_size=len(MONTHS))


class Life:
    """A group whose months are told and closed, and every file that finance was given."""

    def __init__(self, root: Path) -> None:
        self.group, self.given = Group(root), dict[str, str]()
        self.newest: dict[str, str] = {}

    def publish(self, night: date, business: date, told: list[tuple[str, str, int]]) -> None:
        lines = [
            Line(f"L{len(self.group.lines) + place}", night, business, fen, payer, payee)
            for place, (payer, payee, fen) in enumerate(told)
        ]
        self.group.publish(night, *lines)
        self.keep()

    def close(self, month: date, folder: str) -> None:
        closed(self.group, month_text(month))
        self.newest[month_text(month)] = folder
        self.keep()

    def keep(self) -> None:
        """Nothing that was closed before has changed or gone; what is closed now must stay."""
        now = files_of(self.group.lake.outbox / "statements")
        assert {name: now.get(name) for name in self.given} == self.given
        self.given = now
        if self.given:
            assert verify_statements(self.group.lake).faults == ()


def live(root: Path, months: list[Told]) -> Life:
    """Each month told, closed, and restated where it has something to take in."""
    life = Life(root)
    for month, told in zip(MONTHS, months, strict=True):
        night, period = last_day(month), month_text(month)
        life.publish(night - timedelta(days=1), MONTHS[0], told.late)
        life.publish(night, night, told.own)
        life.close(month, period)
        if told.restated:
            life.publish(night + timedelta(days=5), night, told.restated)
            through(life.group, period, "reopen", "approve")
            life.publish(night + timedelta(days=6), night, [])
            life.close(month, f"{period}-v2")
    return life


# Months take seconds to close, so an example that fails is not made smaller.
@settings(max_examples=6, phases=(Phase.reuse, Phase.generate))
@given(months=months_of_chance())
def test_closed_packs_keep_their_hash_and_the_newest_hold_every_line_once(
    tmp_path_factory: pytest.TempPathFactory, months: list[Told]
) -> None:
    life = live(tmp_path_factory.mktemp("life"), months)
    stated = Counter(
        line
        for folder in life.newest.values()
        for party in PARTIES
        for line in lines_of(life.group, folder, party)
    )
    assert stated == Counter({line.line_id: 2 for line in life.group.lines})
    # What was said in the first place, adjusted and restated, is what all lines say at once.
    last = [*life.newest.values()][-1]
    for party in PARTIES:
        whole = sum(
            line.fen * ((line.payee == party) - (line.payer == party)) for line in life.group.lines
        )
        assert manifest(life.group, last, party)["closing_fen"] == whole
