"""Closing a month: what is written, when it is refused, and that it says the same for ever."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from exports.__main__ import main
from exports.closes.totals import check_unchanged
from exports.closes.workflow import close_month
from ingest.core.errors import NOTHING_TO_DO, Problem
from ingest.core.lake import Lake
from tests.exports.small_night import LAST_OF_JANUARY, Night, publish_small_night, settings_of

LAST_OF_FEBRUARY = Night(date(2026, 2, 28), 2, LAST_OF_JANUARY)
# February: the mall takes back 10 points of its own; the fund owes it 0.10.
FEBRUARY = [
    """insert into fct_settlement_lines values ('l3', '2026-02-03', '2026-02-01', 'claw_back',
    'fund', 'mall', 10, null)""",
    """insert into fct_settlement_balances values
    ('2026-02-01', 'mall', -100, 10, 0, 0, -90),
    ('2026-02-01', 'hotel', 40, 0, 0, 0, 40),
    ('2026-02-01', 'fund', 60, 0, 10, 0, 50)""",
]


def close_file(root: Path, period: str) -> Path:
    return Lake(settings_of(root).lake).close(period)


def assert_refused(root: Path, period: str, words: str) -> None:
    existed = close_file(root, period).exists()
    with pytest.raises(Problem, match=words) as refusal:
        close_month(settings_of(root), period)
    assert "\n" not in str(refusal.value)
    assert close_file(root, period).exists() == existed


def test_a_close_holds_the_totals_of_every_party(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    closed = close_month(settings_of(tmp_path), "2026-01")
    assert closed is not None
    assert closed.is_new
    rows = pq.ParquetFile(close_file(tmp_path, "2026-01")).read().to_pylist()
    assert rows == list(closed.rows)
    january = {
        "period_month": date(2026, 1, 1),
        "opening_fen": 0,
        "version": "2026-01-31-010101010101",
        "statement_version": 1,
        "statement_number": 1,
        "supersedes_no": None,
    }
    assert rows == [
        {
            **january,
            "party": "fund",
            "receivable_fen": 100,
            "payable_fen": 40,
            "closing_fen": 60,
            "line_count": 2,
            "statement_no": "JS-2026-01-FUND-001-v1",
        },
        {
            **january,
            "party": "hotel",
            "receivable_fen": 40,
            "payable_fen": 0,
            "closing_fen": 40,
            "line_count": 1,
            "statement_no": "JS-2026-01-HOTEL-001-v1",
        },
        {
            **january,
            "party": "mall",
            "receivable_fen": 0,
            "payable_fen": 100,
            "closing_fen": -100,
            "line_count": 1,
            "statement_no": "JS-2026-01-MALL-001-v1",
        },
    ]


def test_the_last_night_of_the_month_must_be_published(tmp_path: Path) -> None:
    publish_small_night(tmp_path, Night(date(2026, 1, 30), 1))
    assert_refused(
        tmp_path,
        "2026-01",
        "2026-01 cannot be closed before its last night, 2026-01-31, is published; "
        "the last published night is 2026-01-30, so run 2026-01-31 next",
    )
    publish_small_night(tmp_path, Night(date(2026, 1, 31), 2, Night(date(2026, 1, 30), 1)))
    assert close_month(settings_of(tmp_path), "2026-01") is not None


def test_nothing_can_be_closed_before_anything_is_published(tmp_path: Path) -> None:
    assert_refused(tmp_path, "2026-01", "nothing was published")


@pytest.mark.parametrize("period", ["2026-1", "2026-13", "2026", "2026-01-01", "januar"])
def test_a_period_is_a_month(tmp_path: Path, period: str) -> None:
    publish_small_night(tmp_path)
    with pytest.raises(Problem, match="is not a month; write the period as YYYY-MM"):
        close_month(settings_of(tmp_path), period)


def test_closing_again_from_a_later_version_changes_nothing(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    first = close_month(settings_of(tmp_path), "2026-01")
    before = close_file(tmp_path, "2026-01").read_bytes()
    publish_small_night(tmp_path, LAST_OF_FEBRUARY, FEBRUARY)
    again = close_month(settings_of(tmp_path), "2026-01")
    assert first is not None
    assert again is not None
    assert not again.is_new
    assert again.rows == first.rows
    assert close_file(tmp_path, "2026-01").read_bytes() == before


@pytest.mark.parametrize(
    "changes",
    [
        [
            (
                "update fct_settlement_balances set payable_fen = 101, closing_fen = -101 "
                "where party = 'mall'"
            ),
            (
                "update fct_settlement_balances set receivable_fen = 101, closing_fen = 61 "
                "where party = 'fund'"
            ),
        ],
        [
            (
                "insert into fct_settlement_lines values ('l9', '2026-01-31', '2026-01-01', "
                "'accrual', 'mall', 'fund', 0, null)"
            ),
        ],
    ],
)
def test_a_closed_month_that_says_something_else_is_refused(
    tmp_path: Path, changes: Sequence[str]
) -> None:
    publish_small_night(tmp_path)
    close_month(settings_of(tmp_path), "2026-01")
    before = close_file(tmp_path, "2026-01").read_bytes()
    publish_small_night(tmp_path, LAST_OF_FEBRUARY, changes)
    assert_refused(tmp_path, "2026-01", "2026-01 was closed with other totals than 2026-02-28-0202")
    assert close_file(tmp_path, "2026-01").read_bytes() == before


def test_months_are_closed_in_order(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    publish_small_night(tmp_path, LAST_OF_FEBRUARY, FEBRUARY)
    assert_refused(
        tmp_path,
        "2026-02",
        "2026-01 has settlement lines and is not closed; "
        "run python -m exports close --period 2026-01 first",
    )
    close_month(settings_of(tmp_path), "2026-01")
    closed = close_month(settings_of(tmp_path), "2026-02")
    assert closed is not None
    assert [(row["party"], row["opening_fen"], row["closing_fen"]) for row in closed.rows] == [
        ("fund", 60, 50),
        ("hotel", 40, 40),
        ("mall", -100, -90),
    ]


def test_a_month_without_lines_has_nothing_to_close_and_holds_no_other_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_small_night(tmp_path)
    publish_small_night(tmp_path, Night(date(2026, 3, 31), 2, LAST_OF_JANUARY), march())
    monkeypatch.setattr("exports.__main__.load_settings", lambda: settings_of(tmp_path))
    assert main(["close", "--period", "2026-01"]) == 0
    assert main(["close", "--period", "2026-02"]) == NOTHING_TO_DO
    assert main(["close", "--period", "2026-03"]) == 0
    assert main(["close", "--period", "2026-03"]) == 0
    of_march = "JS-2026-03-FUND-002-v1, JS-2026-03-HOTEL-002-v1, JS-2026-03-MALL-002-v1"
    assert capsys.readouterr().out.splitlines() == [
        "2026-01 closed: JS-2026-01-FUND-001-v1, JS-2026-01-HOTEL-001-v1, JS-2026-01-MALL-001-v1",
        "nothing was posted in 2026-02; there is nothing to close",
        f"2026-03 closed: {of_march}",
        f"2026-03 was closed before: {of_march}",
    ]


def march() -> list[str]:
    """What FEBRUARY says, a month later."""
    return [change.replace("2026-02", "2026-03") for change in FEBRUARY]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            (
                "update fct_settlement_balances set receivable_fen = 41, closing_fen = 41 "
                "where party = 'hotel'"
            ),
            r"closing_fen of all parties in 2026-01 is 1, not 0 \(I3\)",
        ),
        (
            "update fct_settlement_balances set receivable_fen = 41 where party = 'hotel'",
            r"hotel does not add up in 2026-01 \(I5\)",
        ),
        (
            (
                "update fct_settlement_balances set "
                "opening_fen = case party when 'mall' then 5 when 'hotel' then -5 else 0 end, "
                "receivable_fen = receivable_fen + case party when 'hotel' then 5 else 0 end, "
                "payable_fen = payable_fen + case party when 'mall' then 5 else 0 end"
            ),
            r"hotel opens 2026-01 with -5 fen, but closed the month before with 0 \(I5\)",
        ),
    ],
)
def test_totals_that_do_not_balance_are_not_closed(tmp_path: Path, change: str, words: str) -> None:
    publish_small_night(tmp_path, changes=[change])
    assert_refused(tmp_path, "2026-01", words)


@pytest.mark.parametrize(("fen", "is_refused"), [(0, False), (1, True)])
def test_a_party_that_came_after_the_freeze_changes_nothing_unless_it_has_something_in_it(
    tmp_path: Path, fen: int, is_refused: bool
) -> None:
    def row(party: str, fen: int) -> dict[str, Any]:
        figures = ("opening_fen", "receivable_fen", "payable_fen", "closing_fen", "line_count")
        return {"period_month": date(2026, 1, 1), "party": party, **dict.fromkeys(figures, fen)}

    frozen, tonight = (row("mall", 7),), (row("mall", 7), row("mall/S9", fen))
    check = partial(check_unchanged, Lake(tmp_path), "2026-01", 1, frozen, tonight, "2026-02-01-x")
    if is_refused:
        with pytest.raises(Problem, match="was closed with other totals"):
            check()
    else:
        check()
