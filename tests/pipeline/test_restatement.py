"""October of the worked example, closed, then restated by two people with what came on 10 November.

R6 of 31 October earns the mall's member 120 points, R7 takes 50 of R2's back: late lines of 1.20 to
the fund and 0.50 from it. Version 1 says that the mall owes 50.00 at the end of October, version 2
50.70; at the end of the last night it owes 40.70 in either case.
Merchant S1, for whom the mall takes money: in October R1, R2 and R3 sell 5,299.99 and R4 gives back
200.00; 8 % commission (408.00, R3's 7.9992 going up) and 0.6 % fees (30.60) leave 4,661.39. R6 and
R7 add 100.00 - 50.00, less 8.60 - 4.30 of charges: 45.70. On 1 November R5 gives 1,000.00 of R2
back, and 86.00 of charges.
"""

import csv
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from exports.folder import file_name
from tests.pipeline.nights import copied, must_run, run_command
from tests.pipeline.test_merge_and_unmerge import MERGED, run_night
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

NEXT = date(2026, 11, 11)
# Who gets a draft every night; merchants and outside funders get theirs with the close.
DRAFTED = ("fund", "hotel", "mall", "miniprogram", "outlet", "parking", "property")


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
    [path] = statements(lake, month).joinpath(party).glob("明细_*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row["结算行号"] for row in csv.DictReader(file)]


def test_the_first_version_keeps_every_byte(worked_lake: Path, lake: Path) -> None:
    closed = files_of(statements(worked_lake, "2026-10"))
    parties = {name.partition("/")[0] for name in closed}
    assert parties > {*DRAFTED, "mall_S1"}
    # Workbook, detail, balances, cover, manifest, its signature, key.
    assert len(closed) == 7 * len(parties)
    assert files_of(statements(lake, "2026-10")) == closed


@pytest.mark.parametrize(
    ("which", "october_net", "november"),
    [
        (
            "late",
            -5_000 - 466_139,
            (-471_139, 1_050 + 100_000 + 860 + 5_000, 120 + 8_600 + 10_000 + 430, -383_379),
        ),
        ("lake", -5_070 - 466_139 - 4_570, (-475_779, 1_000 + 100_000, 8_600, -383_379)),
    ],
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
    sides = rows(
        lake,
        "select strftime(period_month, '%Y-%m'), unnest([payer_party, payee_party]), line_id"
        " from fct_settlement_lines",
    )
    stated = [
        (month, folder.name, line)
        for month in ("2026-10-v2", "2026-11")
        for folder in statements(lake, month).iterdir()
        for line in lines_of(lake, month, folder.name)
    ]
    assert {party for month, party, _ in stated if month == "2026-11"} <= set(DRAFTED)
    assert sorted(stated) == sorted(
        ("2026-10-v2" if month == "2026-10" else month, file_name(party), line)
        for month, party, line in sides
        if month == "2026-10" or party in DRAFTED
    )


def test_the_difference_is_the_late_lines_and_the_proof_holds(lake: Path) -> None:
    numbers = [f"JS-2026-10-MALL-001-v{version}" for version in (1, 2)]
    said = must_run(lake, "exports", "explain", "statement", "--diff", *numbers)
    # Two of points, six of the merchant, and R4's refund, of which R7 took a fen of tax (0.00).
    added = "新增 added: 9 行 lines (发放 -1.20, 商户退款 50.00, 商户销售款 -100.00, 扣回 0.50, "
    assert f"{added}扣点 8.00, 扣点退回 -4.00, 渠道手续费 0.60, 渠道手续费退回 -0.30)" in said
    assert "核对 checked: 逐行差异合计 -46.40 = 净额差异 -46.40" in said  # -0.70 - 45.70
    proof = must_run(lake, "exports", "statements", "verify")
    assert proof.startswith("24 statements of 12 parties: 120 files")


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
