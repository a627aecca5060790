"""Which line of an earlier month a late one corrects, on lines written by hand.

Order O of October, of merchants A and B, earned its buyer points. What is late arrives in November.
"""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from exports.adjustments import VIEW
from exports.statements.adjustments import read_adjustments
from ingest.core.lake import Lake

OCTOBER, NOVEMBER = "2026-10-20", "2026-11-05"
POSTED = [
    # line, activity, movement, payer, payee, fen
    ("accrual", "O", "accrual", "mall", "fund", 42),
    ("sale A", "O", "sale", "mall", "mall/A", 3_000),
    ("sale B", "O", "sale", "mall", "mall/B", 1_200),
    ("commission B", "O", "commission", "mall/B", "mall", 96),
]


Line = tuple[str, str | None, str, str, str, int]


def published(*late: Line) -> duckdb.DuckDBPyConnection:
    """The marts that adjustments are read of, with lines that came late."""
    database = duckdb.connect()
    database.execute(
        "create table fct_settlement_lines (line_id varchar, activity_id varchar,"
        " movement_type varchar, payer_party varchar, payee_party varchar, amount_fen bigint,"
        " entry_id varchar, posted_date date, period_month date, origin_month date,"
        " business_date date, points bigint, is_reversal boolean)"
    )
    for lines, posted in ((POSTED, OCTOBER), (late, NOVEMBER)):
        month = posted[:8] + "01"
        if lines:
            database.executemany(
                "insert into fct_settlement_lines"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, '2026-10-01', '2026-10-20', 0, false)",
                [(*line, line[0], posted, month) for line in lines],
            )
    database.execute("create table fct_points_entries (entry_id varchar, entry_key varchar)")
    database.execute(
        "create table fct_activities as select * from (values ('O', null), ('R', 'O'))"
        " as t(activity_id, reverses_activity_id)"
    )
    return database


def corrected(*late: Line) -> list[tuple[str, str, str | None]]:
    """What the late lines correct: line, how, line corrected."""
    with published(*late) as database:
        return database.execute(
            f"select line_id, corrects, corrected_line_id from ({VIEW}) order by line_id"
        ).fetchall()


@pytest.mark.parametrize(
    ("movement_type", "payer", "payee", "of"),
    [
        ("sale_refund", "mall/A", "mall", "sale A"),
        ("sale_refund", "mall/B", "mall", "sale B"),
        ("commission_refund", "mall", "mall/B", "commission B"),
        ("claw_back", "fund", "mall", "accrual"),
    ],
)
def test_what_a_late_refund_takes_back_is_the_same_movement_of_the_same_merchant(
    movement_type: str, payer: str, payee: str, of: str
) -> None:
    late = ("late", "R", movement_type, payer, payee, 10)
    assert corrected(late) == [("late", "reversed_activity", of)]


def test_a_late_line_of_an_order_corrects_the_line_of_the_same_merchant() -> None:
    late = ("late", "O", "sale", "mall", "mall/B", 1_300)
    assert corrected(late) == [("late", "same_activity", "sale B")]


def test_a_late_line_that_nothing_was_posted_for_corrects_nothing() -> None:
    late = ("late", "R", "channel_fee_refund", "mall", "mall/A", 10)
    assert corrected(late) == [("late", "nothing_posted_before", None)]


def test_the_sheet_lists_what_the_view_lists_with_an_activity_or_without(tmp_path: Path) -> None:
    late: tuple[Line, ...] = (
        ("guarantee", None, "minimum_guarantee", "mall/B", "mall", 900),
        ("refund", "R", "sale_refund", "mall/B", "mall", 10),
    )
    with published(*late) as database:
        rows = read_adjustments(Lake(tmp_path), database, date(2026, 11, 1))
    assert [(row["line_id"], row["corrects"]) for row in rows] == [
        ("refund", "reversed_activity"),
        ("guarantee", "nothing_posted_before"),
    ]
