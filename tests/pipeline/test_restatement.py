"""October of the worked example, closed, then restated by two people with what came on 10 November.

R6 of 31 October earns the mall's member 120 points, R7 takes 50 of R2's back: late lines of 1.20 to
the fund and 0.50 from it. Version 1 says that the mall owes 50.00 at the end of October, version 2
50.70; at the end of the last night it owes 40.70 in either case.
"""

import csv
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from tests.pipeline.nights import copied, must_run, run_command
from tests.pipeline.test_merge_and_unmerge import MERGED, run_night
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

NEXT = date(2026, 11, 11)
PARTIES = ("fund", "hotel", "mall", "miniprogram", "outlet", "parking", "property")


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def step(lake: Path, name: str, by: str) -> str:
    taken = ["close", name, "--period", "2026-10", "--by", by, "--why", "till 7 was late"]
    return must_run(lake, "exports", *taken)


@pytest.fixture(scope="module")
def late(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October closed unattended, and the night that brings what is late for it."""
    lake = copied(worked_lake, tmp_path_factory.mktemp("restated"))
    run_night(lake, MERGED, MERGED)
    return lake


@pytest.fixture(scope="module")
def lake(late: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, reopened by two people, the next night, closed again by three."""
    lake = copied(late, tmp_path_factory.mktemp("again"))
    step(lake, "reopen", "王芳")
    step(lake, "approve", "李强")
    run_night(lake, NEXT, NEXT)
    for name, by in (
        ("freeze", "陈静"),
        ("review", "王芳"),
        ("confirm", "李强"),
        ("close", "陈静"),
    ):
        step(lake, name, by)
    must_run(lake, "exports", "statements", "--period", "2026-10")
    return lake


def statements(lake: Path, month: str) -> Path:
    return lake / "outbox" / "statements" / month


def lines_of(lake: Path, month: str, party: str) -> list[str]:
    [path] = statements(lake, month).joinpath(party).glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["结算行号"] for row in csv.DictReader(file)]


def test_the_first_version_keeps_every_byte(worked_lake: Path, lake: Path) -> None:
    closed = files_of(statements(worked_lake, "2026-10"))
    assert len(closed) == 3 * len(PARTIES)
    assert files_of(statements(lake, "2026-10")) == closed


@pytest.mark.parametrize(
    ("which", "october_net", "november"),
    [("late", -5_000, (-5_000, 1_050, 120, -4_070)), ("lake", -5_070, (-5_070, 1_000, 0, -4_070))],
)
def test_late_lines_move_from_the_open_month_into_the_restated_one(
    which: str, october_net: int, november: tuple[int, ...], request: pytest.FixtureRequest
) -> None:
    october, open_month = rows(
        request.getfixturevalue(which),
        "select opening_fen, receivable_fen, payable_fen, closing_fen from fct_settlement_balances"
        " where party = 'mall' order by period_month",
    )
    assert (october[0], october[1] - october[2], october[3]) == (0, october_net, october_net)
    assert open_month == november


def test_every_line_stands_in_one_of_the_newest_statements(lake: Path) -> None:
    every = [line_id for (line_id,) in rows(lake, "select line_id from fct_settlement_lines")]
    stated = [
        line
        for month in ("2026-10-v2", "2026-11")
        for party in PARTIES
        for line in lines_of(lake, month, party)
    ]
    assert sorted(stated) == sorted(2 * every)  # a line has two sides


def test_the_difference_is_the_late_lines_and_the_proof_holds(lake: Path) -> None:
    numbers = [f"JS-2026-10-MALL-001-v{version}" for version in (1, 2)]
    said = must_run(lake, "exports", "explain", "statement", "--diff", *numbers)
    assert "新增 added: 2 行 lines (发放 -1.20, 扣回 0.50)" in said
    assert "核对 checked: 逐行差异合计 -0.70 = 净额差异 -0.70" in said
    proof = must_run(lake, "exports", "statements", "verify")
    assert proof.startswith("14 statements of 7 parties: 28 files")


def test_a_late_line_is_explained_with_its_way_into_the_restated_month(lake: Path) -> None:
    [(line_id,)] = rows(
        lake, "select line_id from settlement_adjustments where movement_type = 'claw_back'"
    )
    said = must_run(lake, "exports", "explain", "line", line_id)
    assert "结算单 statement of mall: JS-2026-10-MALL-001-v2" in said
    assert "并入原期, 迟到的退款或退还 (reversed_activity)" in said
    assert "依据 by Clearing agreement 2024" in said


def test_the_month_is_not_frozen_again_before_the_night_that_knows(
    late: Path, tmp_path: Path
) -> None:
    lake = copied(late, tmp_path)
    step(lake, "reopen", "王芳")
    step(lake, "approve", "李强")
    done = run_command(lake, "exports", "close", "freeze", "--period", "2026-10", "--by", "陈静")
    assert done.returncode == 1
    assert "its late lines become part of it in the next night" in done.stderr
    assert len(done.stderr.splitlines()) == 1
