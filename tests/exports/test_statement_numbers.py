"""Statement numbers have no gap, whatever the order in which months are closed."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.closes.numbers import Issued, next_number, statement_no
from exports.closes.totals import read_close, write_totals
from ingest.core.lake import Lake


def test_numbers_begin_again_each_year() -> None:
    issued = [Issued("mall", 2025, 12), Issued("mall", 2026, 1), Issued("hotel", 2026, 7)]
    assert next_number(issued, "mall", 2026) == 2
    assert next_number(issued, "mall", 2027) == 1
    assert statement_no("2026-11", "mall", 11, 1) == "JS-2026-11-MALL-011-v1"


def test_the_number_of_a_merchant_holds_no_slash() -> None:
    assert statement_no("2026-10", "mall/S0001", 3, 2) == "JS-2026-10-MALL-S0001-003-v2"
    assert statement_no("2026-10", "suspense/mall", 1, 1) == "JS-2026-10-SUSPENSE-MALL-001-v1"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([2025, 2026, 2027])), max_size=40)
)
def test_numbers_have_no_gap_whatever_the_order_of_parties_and_years(
    order: list[tuple[str, int]],
) -> None:
    issued: list[Issued] = []
    for party, year in order:
        issued.append(Issued(party, year, next_number(issued, party, year)))
    for party, year in set(order):
        numbers = [each.number for each in issued if each[:2] == (party, year)]
        assert numbers == list(range(1, len(numbers) + 1))


@settings(max_examples=30)  # each example waits for the disk
@given(
    st.lists(
        st.tuples(
            st.sampled_from([(2025, 11), (2025, 12), (2026, 1), (2026, 2)]),
            st.sets(st.sampled_from("abc"), min_size=1),
        ),
        max_size=4,
        unique_by=lambda each: each[0],
    )
)
def test_closes_on_disk_have_no_gap_and_a_later_version_keeps_the_number(
    tmp_path_factory: pytest.TempPathFactory, closes: list[tuple[tuple[int, int], set[str]]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("numbers"))
    for version in (1, 2):
        for (year, month), parties in closes:
            rows = [zero(date(year, month, 1), party) for party in sorted(parties)]
            write_totals(lake, f"{year}-{month:02d}", version, "2026-03-01-x", tuple(rows))
    for version in (1, 2):
        given_out: dict[tuple[str, int], list[int]] = {}
        for (year, month), _ in closes:
            for row in read_close(lake, f"{year}-{month:02d}", version) or ():
                given_out.setdefault((row["party"], year), []).append(row["statement_number"])
        for numbers in given_out.values():
            assert numbers == list(range(1, len(numbers) + 1))


def zero(month: date, party: str) -> dict[str, Any]:
    figures = ("opening_fen", "receivable_fen", "payable_fen", "closing_fen", "line_count")
    return {"period_month": month, "party": party, **dict.fromkeys(figures, 0)}
