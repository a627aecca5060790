"""The worked example (test_worked_example.py) by other rules, again by hand.

From 1 October on silver takes 6,000 growth instead of 5,000; in October the mall gives double.
        R1  31 Oct 2025, before the window: 1,000 points on both sides.
        R2  ¥4,200.00 -> 8,400 points instead of 4,200. Growth 5,200 < 6,000: basic, not silver.
        R4  takes back 400 instead of 200; R5, on 1 November, 2,000 instead of 1,000: a refund
            takes what its order was given, although November is single again.
        F1  ¥1,000.00 x 150 % = 1,500 points instead of 1,800: no silver, no 120 %.
        R1's last 400 points expire, 600 + 300 points are spent on both sides.
        王芳 gets 4,200 - 300 more and loses 200 + 1,000 more: 2,700 more in all. 李强 has the same.
        The mall pays ¥42.00 more and gets ¥12.00 more back; the hotel pays ¥3.00 less.
Campaigns give the same on both sides, so only differences are compared where they count.
"""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ingest.core.settings import load_settings
from tests.pipeline.nights import copied, must_run, run_command
from tests.pipeline.test_rehearsal import digests

RULES = load_settings({}).rules
WINDOW = ["--from", "2026-10-01", "--to", "2026-11-01"]
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
SHEET = "source: Sheet, approved_by: Somebody"
FEN = 1_000_000


def write_other_rules(folder: Path) -> Path:
    rules = Path(shutil.copytree(RULES, folder / "rules"))
    mall = rules / "businesses" / "mall.yml"
    double = f"value: 100, {SHEET}}}\n  - {{from: 2026-10-01, value: 200, {SHEET}}}\n"
    double += "  - {from: 2026-11-01, value: 100,"
    mall.write_text(mall.read_text("utf-8").replace("value: 100,", double, 1), "utf-8")
    tiers = rules / "programme" / "tiers.yml"
    dearer = f"value: 5000, {SHEET}}}, {{from: 2026-10-01, value: 6000,"
    tiers.write_text(tiers.read_text("utf-8").replace("value: 5000,", dearer, 1), "utf-8")
    return rules


def tables(out: Path) -> dict[str, list[dict[str, Any]]]:
    paths = sorted((out / "tables").glob("*.parquet"))
    return {path.stem: pq.read_table(path).to_pylist() for path in paths}


@pytest.fixture(scope="module")
def simulated(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tables of the simulation, what it said, and the lake's files before and after."""
    folder = tmp_path_factory.mktemp("simulated")
    lake = copied(worked_lake, folder)
    before = digests(lake)
    rules, out = write_other_rules(folder), folder / "out"
    said = must_run(lake, "dags", "simulate", "--rules", str(rules), *WINDOW, "--out", str(out))
    found = {"before": before, "after": digests(lake), "said": said, "out": out, "lake": lake}
    return {**found, "rules": rules, "tables": tables(out)}


def differences(simulated: dict[str, Any], table: str, key: str, figure: str) -> dict[Any, int]:
    """What is other of a figure, by a key."""
    column = f"{figure}_difference"
    return {row[key]: row[column] for row in simulated["tables"][table] if row[column]}


def test_every_file_of_the_lake_is_as_it_was(simulated: dict[str, Any]) -> None:
    assert simulated["after"] == simulated["before"]
    assert not (simulated["lake"] / "work" / "rehearsal").exists()


def test_the_doubled_business_gives_double_by_its_base_rule_and_by_no_other(
    simulated: dict[str, Any],
) -> None:
    rules = {
        row["rule"]: (row["awarded_points_before"], row["awarded_points_after"])
        for row in simulated["tables"]["rules"]
        if row["awarded_points_difference"]
    }
    assert rules == {"earn/mall": (4200, 8400), "earn/hotel": (1800, 1500)}


def test_the_months_differ_as_worked_by_hand_and_nothing_before_them(
    simulated: dict[str, Any],
) -> None:
    def by_month(figure: str) -> dict[Any, int]:
        return differences(simulated, "months", "business_month", figure)

    assert by_month("awarded_points") == {OCTOBER: 3900}
    assert by_month("clawed_back_points") == {OCTOBER: 200, NOVEMBER: 1000}
    assert by_month("redeemed_points") == by_month("expired_points") == {}
    (earlier,) = [row for row in simulated["tables"]["outside"] if row["span"] == "earlier"]
    assert earlier["awarded_points_before"] == earlier["awarded_points_after"] == 1000
    assert not [row for row in simulated["tables"]["outside"] if row["net_points_difference"]]


def test_money_and_what_is_outstanding_follow_the_points(simulated: dict[str, Any]) -> None:
    cost = differences(simulated, "businesses", "business", "net_cost_micro_fen")
    assert cost == {"mall": 3000 * FEN, "hotel": -300 * FEN}
    outstanding = {
        (row["closing_date"], row["business"]): row["closing_points_difference"]
        for row in simulated["tables"]["liability"]
        if row["closing_points_difference"]
    }
    assert outstanding == {
        (date(2026, 10, 31), "mall"): 4000,
        (date(2026, 10, 31), "hotel"): -300,
        (date(2026, 11, 1), "mall"): 3000,
        (date(2026, 11, 1), "hotel"): -300,
    }


def test_the_upgrade_that_is_not_reached_moves_one_member(simulated: dict[str, Any]) -> None:
    population = {
        (row["closing_date"], row["tier"]): row["member_count_difference"]
        for row in simulated["tables"]["tier_population"]
        if row["member_count_difference"]
    }
    assert population == {
        (date(2026, 10, 31), "basic"): 1,
        (date(2026, 10, 31), "silver"): -1,
        (date(2026, 11, 1), "basic"): 1,
        (date(2026, 11, 1), "silver"): -1,
    }
    moves = {
        (row["tier_before"], row["tier_after"]): row["member_count"]
        for row in simulated["tables"]["tier_moves"]
    }
    assert moves == {("silver", "basic"): 1, ("basic", "basic"): 1}
    (member,) = simulated["tables"]["members"]
    assert member["net_points_difference"] == 2700


def test_the_page_begins_with_the_rules_that_change_and_every_sum_agrees(
    simulated: dict[str, Any],
) -> None:
    names = ("path", "effect_date", "until_date", "before", "after")
    changed = [tuple(row[name] for name in names) for row in simulated["tables"]["rule_changes"]]
    assert changed == [
        ("points_multiplier_percent", "2026-10-01", "2026-11-01", "100", "200"),
        ("tiers[silver].growth_threshold", "2026-10-01", None, "5000", "6000"),
    ]
    page = (simulated["out"] / "simulation.html").read_text(encoding="utf-8")
    assert "所有变更均在窗口之内或之后生效" in page
    assert page.count('<span class="yes">✓</span>') >= 30
    assert "✗" not in page
    assert simulated["said"].splitlines()[-1] == str(simulated["out"] / "simulation.html")


def test_a_mistake_in_the_rules_is_named_by_its_line_and_nothing_is_copied(
    simulated: dict[str, Any], tmp_path: Path
) -> None:
    rules = Path(shutil.copytree(simulated["rules"], tmp_path / "rules"))
    mall = rules / "businesses" / "mall.yml"
    mall.write_text(mall.read_text("utf-8").replace("value: 200", "value: double"), "utf-8")
    done = run_command(simulated["lake"], "dags", "simulate", "--rules", str(rules), *WINDOW)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "mall.yml:11:" in line
    assert digests(simulated["lake"]) == simulated["before"]


@pytest.mark.long
def test_the_same_rules_differ_in_nothing(worked_lake: Path, tmp_path: Path) -> None:
    lake = copied(worked_lake, tmp_path)
    must_run(lake, "dags", "simulate", "--rules", str(RULES), *WINDOW)
    found = tables(lake / "work" / "simulations" / "2026-10-01_2026-11-01")
    assert found["members"] == found["rule_changes"] == []
    for name, rows in found.items():
        columns = {column for row in rows for column in row if column.endswith("_difference")}
        assert not [row for row in rows for column in columns if row[column]], name
    assert sum(row["awarded_points_after"] for row in found["months"]) >= 7008
