"""A night rehearsed after the worked example (test_worked_example.py), again by hand.

2 Nov, nothing delivered. As it is, nothing is posted. Then with the decision that the hotel guest
G1 is not 王芳 and never was:
        G1  F1 spends 600 points that G1 does not have: debt. A basic guest earns
            ¥1,000.00 x 150 % = 1,500 points, not 1,800; 600 repay the debt, 900 are left.
        王芳 Nobody spent R1: all of its 1,000 points expired on 31 Oct, not 400.
            R2 has 4,200 - 200 - 1,000 = 3,000 left. Growth since 3 Nov 2025 is 3,000, not 4,000.
        Together 4,800 become 3,900 points: 300 fewer issued, 600 more expired.
        The hotel paid the fund ¥18.00 for F1's points and owes ¥15.00: ¥3.00 go back, in November,
        because October is closed. The fund paid ¥6.00 for the 600 points and still does.
"""

import hashlib
import json
import re
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from dags.pipeline import nightly, up_to_step, without_deliveries
from dags.rehearsal import Variant, rehearsal
from dags.runner import Board
from dags.who_is_who import LAST_STEP
from exports.compare import Comparison, compare_nights
from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline.nights import copied, environment_of, must_run
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each
NIGHT = date(2026, 11, 2)
PAIR = ["pos:10000001", "hotel:G1", "--by", "LiMei", "--why", "two sisters with one phone"]
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def digests(lake: Path) -> dict[str, str]:
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(lake.rglob("*"))
        if path.is_file()
    }


def parted(copy: Path) -> None:
    must_run(copy, "identity_resolution", "decide", "cannot-link", *PAIR)


@pytest.fixture(scope="module")
def rehearsed(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rehearsal's comparison, and the lake's files before and after."""
    lake = copied(worked_lake, tmp_path_factory.mktemp("rehearsed"))
    before = digests(lake)
    variants = [Variant("as it is"), Variant("parted", parted)]
    steps = up_to_step(without_deliveries(nightly()), LAST_STEP)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(lake).items():
            patch.setenv(name, value)
        with rehearsal(lake, variants, steps, Board(StringIO())) as (one, other):
            comparison = compare_nights(Lake(one), Lake(other), NIGHT, "1GB")
    return {"comparison": comparison, "before": before, "after": digests(lake), "lake": lake}


@pytest.fixture(scope="module")
def comparison(rehearsed: dict[str, Any]) -> Comparison:
    found: Comparison = rehearsed["comparison"]
    return found


def section(comparison: Comparison, word: str) -> list[dict[str, Any]]:
    (found,) = [each for each in comparison.sections if word in each.title]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


def test_a_rehearsal_leaves_every_file_of_the_lake_as_it_was(rehearsed: dict[str, Any]) -> None:
    assert rehearsed["after"] == rehearsed["before"]
    assert not (rehearsed["lake"] / "work" / "rehearsal").exists()


def test_the_account_that_leaves_is_listed_with_its_old_and_its_new_member(
    comparison: Comparison,
) -> None:
    (moved,) = section(comparison, "账户归属")
    assert (moved["source"], moved["account_id"]) == ("hotel", "G1")
    assert moved["member_id_before"] != moved["member_id_after"]


def test_each_member_has_the_points_that_were_worked_by_hand(comparison: Comparison) -> None:
    (moved,) = section(comparison, "账户归属")
    balances = {
        row["member_id"]: (row["balance_points_before"], row["balance_points_after"])
        for row in section(comparison, "积分余额")
    }
    assert balances == {
        moved["member_id_before"]: (4800, 3000),
        moved["member_id_after"]: (None, 900),
    }


def test_each_lot_that_changes_is_listed_once(comparison: Comparison) -> None:
    names = ("account_id", "issued_points_before", "issued_points_after")
    names += ("remaining_points_before", "remaining_points_after")
    lots = [tuple(row[name] for name in names) for row in section(comparison, "积分批次")]
    assert lots == [("G1", 1800, 1500, 1800, 900), ("10000001", 1000, 1000, 0, 0)]


def test_the_points_that_would_be_posted_are_those_worked_by_hand(comparison: Comparison) -> None:
    posted = {
        (row["entry_type"], row["issuer_business"]): row["difference_points"]
        for row in section(comparison, "积分分录")
    }
    assert posted == {
        ("accrual", "hotel"): -300,
        ("debt_repayment", "hotel"): 600,
        ("expiry", "mall"): 600,
        ("redemption", "mall"): -600,
        ("redemption_debt", None): 600,
    }


def test_growth_goes_with_the_account_and_no_upgrade_rests_on_it(comparison: Comparison) -> None:
    names = ("tier_before", "tier_after", "growth_value_before", "growth_value_after")
    growth = [tuple(row[name] for name in names) for row in section(comparison, "会员等级")]
    assert set(growth) == {("basic", "basic", 4000, 3000), (None, "basic", None, 1000)}
    assert section(comparison, "等级变动") == []


def test_money_of_a_closed_month_moves_in_the_open_one(comparison: Comparison) -> None:
    settled = {
        (row["period_month"], row["origin_month"], row["party"]): row["difference_fen"]
        for row in section(comparison, "结算差额")
    }
    assert settled == {(NOVEMBER, OCTOBER, "hotel"): 300, (NOVEMBER, OCTOBER, "fund"): -300}
    (closed,) = section(comparison, "已关账期间")
    assert (closed["closed_month"], closed["posted_in_month"]) == (OCTOBER, NOVEMBER)


def test_the_totals_say_what_moved_and_that_nothing_else_did(comparison: Comparison) -> None:
    assert comparison.is_kept
    assert [(total.value, total.must_be) for total in comparison.totals] == [
        (-900, None),
        (-300, None),
        (0, None),
        (-600, None),
        (0, None),
        (0, None),
        *[(0, 0)] * 4,
    ]


@pytest.mark.long
def test_an_unmerge_posts_what_its_preview_showed_and_the_preview_wrote_nothing(
    worked_lake: Path, tmp_path: Path
) -> None:
    lake = copied(worked_lake, tmp_path)
    before = digests(lake)
    unmerge = ["dags", "unmerge", *PAIR]
    said = [" ".join(line.split()) for line in must_run(lake, *unmerge, "--preview").splitlines()]
    assert digests(lake) == before
    assert "账户归属 accounts that change hands: 1" in said
    assert re.search(r"│ 2026-11-01 │ 2026-10-01 │ hotel │ \d+ │ \+300 │", "\n".join(said))
    must_run(lake, *unmerge)
    (kept,) = set(digests(lake)) - set(before)
    assert kept.startswith(f"decisions/identity/{NIGHT}_")
    assert {name: digest for name, digest in digests(lake).items() if name != kept} == before
    project = load_settings({}).dbt_project
    for name in source_names(project):
        write_delivery(Lake(lake), load_source(project, name), NIGHT, {})
    must_run(lake, "dags", "run", "--date", NIGHT.isoformat())
    balances = rows(
        lake,
        """
        select account_id, balance_points, debt_points
        from fct_points_balances inner join dim_member_accounts using (member_id)
        where account_id in ('10000001', 'G1') order by account_id
        """,
    )
    assert balances == [("10000001", 3000, 0), ("G1", 900, 0)]
    assert [points for _, points, _ in balances if f"→ {points:,} │" not in "\n".join(said)] == []


@pytest.mark.long
def test_a_dry_run_says_what_the_night_then_changes_and_writes_nothing(
    worked_lake: Path, tmp_path: Path
) -> None:
    lake = copied(worked_lake, tmp_path)
    must_run(lake, "dags", "unmerge", *PAIR)
    project = load_settings({}).dbt_project
    for name in source_names(project):
        write_delivery(Lake(lake), load_source(project, name), NIGHT, {})
    before = digests(lake)
    asked = ("dags", "run", "--date", NIGHT.isoformat())
    told = json.loads(must_run(lake, *asked, "--dry-run", "--json"))
    assert digests(lake) == before
    assert told["would_be_published"] is True
    assert told["member_changes"] == [{"reason": "manual", "account_count": 1, "member_count": 1}]
    points = {row["figure"]: row for row in told["points"]}
    assert points["balance_points"]["difference"] == -900
    fen = {row["figure"]: row["difference"] for row in told["fen"]}
    assert (fen["hotel"], fen["fund"]) == (300, -300)

    must_run(lake, *asked)
    posted = rows(lake, "select sum(balance_points), sum(expired_points) from fct_points_balances")
    assert posted == [(points["balance_points"]["after"], points["expired_points"]["after"])]
    again = json.loads(must_run(lake, *asked, "--dry-run", "--json"))
    assert again == {"business_date": NIGHT.isoformat(), "is_nothing_new": True}
