"""What happened to points and tiers, in words that analysts query and a service desk reads out."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest
import yaml

from exports.catalogue import CATALOGUE
from exports.explain.views import VIEWS, write_explanations
from exports.explain.words import ENTRIES, OUTCOMES, TIER_REASONS
from tests.pipeline.nights import PROJECT

TABLES = """
    create table fct_rating_outcomes (
        activity_id varchar, rule varchar, outcome varchar, points bigint, base_points bigint,
        business_multiplier_percent bigint, tier varchar, tier_multiplier_percent bigint,
        clipped_points bigint, rule_id varchar, tier_rule_id varchar
    );
    comment on column fct_rating_outcomes.points is '积分 points, positive.';
    insert into fct_rating_outcomes values
        ('A', 'base', 'awarded', 1800, 1000, 150, 'silver', 120, 0, 'earn/hotel/2024-01-01',
            'tier/silver/2024-01-01'),
        ('A', 'spend', 'awarded', 300, 360, null, 'silver', null, 60, 'bonus/spend/2026-11-02',
            null),
        ('B', 'base', 'below_one_point', 0, 0, 50, 'basic', 100, 0, 'earn/hotel/2024-01-01',
            'tier/basic/2024-01-01'),
        ('C', 'base', 'order_not_found', 0, 0, null, null, null, 0, null, null),
        ('D', 'base', 'cap_reached', 0, 1000, 150, 'silver', 120, 1800, 'earn/hotel/2024-01-01',
            'tier/silver/2024-01-01'),
        ('D', 'spend', 'cap_reached', 0, 1360, null, 'silver', null, 1360, 'bonus/spend/2026-11-02',
            null);
    create table fct_points_entries (entry_type varchar, is_reversal boolean, rule_id varchar);
    insert into fct_points_entries values
        ('expiry', false, 'earn/hotel/2024-01-01'), ('accrual', true, 'redemption');
    create table fct_tier_changes (reason varchar, rule_id varchar, is_reversal boolean);
    insert into fct_tier_changes values
        ('upgrade', 'reach/silver/2024-01-01', false), ('reversal', 'keep/silver/2024-01-01', true),
        ('lock', null, false);
    create table dim_rules (rule_id varchar, rule_name varchar, valid_from_date date,
        source varchar, approved_by varchar);
    insert into dim_rules values
        ('earn/hotel/2024-01-01', null, '2024-01-01', 'Charter §3; Charter §3.2', 'Committee'),
        ('bonus/spend/2026-11-02', '满300元加30积分', '2026-11-02', 'Sheet', 'Mall marketing'),
        ('reach/silver/2024-01-01', null, '2024-01-01', 'Charter §4.2', 'Committee'),
        ('tier/silver/2024-01-01', '银卡', '2024-01-01', 'Charter §4.3', 'Committee');
"""


@pytest.fixture(scope="module")
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute(TABLES)
        write_explanations(database)
        yield database


def rows(marts: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return marts.execute(sql).fetchall()


def test_an_outcome_says_what_moved_by_which_numbers_and_by_which_rule(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    said = rows(
        marts, "select explanation from explained_outcomes order by activity_id, rule <> 'base'"
    )
    multiplied = "基础 base 1,000 × 业态 150% × silver 120%, 向下取整"
    hotel = "规则 rule earn/hotel/2024-01-01, 等级规则 tier rule tier"
    spend = "规则 rule bonus/spend/2026-11-02"
    of_base, of_rule = " (业态单笔、每日、每月上限)", " (活动及所属联合活动的上限)"
    none_left = "已达到积分上限 (cap_reached) 0, 封顶扣减 clipped"
    assert [line for (line,) in said] == [
        f"已得积分 (awarded) 1,800 = {multiplied}  {hotel}/silver/2024-01-01",
        f"已得积分 (awarded) 300, 封顶扣减 clipped 60{of_rule}  {spend}",
        f"不足1积分 (below_one_point) 0  {hotel}/basic/2024-01-01",
        "找不到原单 (order_not_found) 0  规则 rule –",
        f"{none_left} 1,800{of_base}  {hotel}/silver/2024-01-01",
        f"{none_left} 1,360{of_rule}  {spend}",
    ]


def test_an_outcome_names_its_rule_the_documents_and_who_approved_them(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    names = "outcome_name, rule_name, rule_source, rule_approved_by"
    assert rows(marts, f"select {names} from explained_outcomes order by activity_id, rule") == [
        ("已得积分", None, "Charter §3; Charter §3.2", "Committee"),
        ("已得积分", "满300元加30积分", "Sheet", "Mall marketing"),
        ("不足1积分", None, "Charter §3; Charter §3.2", "Committee"),
        ("找不到原单", None, None, None),
        ("已达到积分上限", None, "Charter §3; Charter §3.2", "Committee"),
        ("已达到积分上限", "满300元加30积分", "Sheet", "Mall marketing"),
    ]


def test_an_outcome_names_the_version_of_the_tier_whose_multiplier_took_part(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    names = ", ".join(f"tier_rule_{name}" for name in ("name", "valid_from_date", "source"))
    assert rows(
        marts, f"select {names} from explained_outcomes where activity_id = 'A' order by rule"
    ) == [("银卡", date(2024, 1, 1), "Charter §4.3"), (None, None, None)]


def test_an_entry_and_a_change_of_tier_say_whether_they_take_something_back(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(marts, "select explanation, rule_source from explained_entries order by all") == [
        ("冲销 reversed 积分到账 (accrual)", None),
        ("积分过期 (expiry)", "Charter §3; Charter §3.2"),
    ]
    names = "explanation, rule_valid_from_date, rule_source"
    assert rows(marts, f"select {names} from explained_tier_changes order by all") == [
        ("冲销 reversed 退款后撤销升级 规则 rule keep/silver/2024-01-01", None, None),
        ("升级 规则 rule reach/silver/2024-01-01", date(2024, 1, 1), "Charter §4.2"),
        ("锁定等级", None, None),
    ]


def test_a_view_has_the_rows_of_its_mart_and_describes_its_columns(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for name, view in VIEWS.items():
        counts = f"select (select count(*) from {name}), (select count(*) from {view.mart})"
        [(said, held)] = rows(marts, counts)
        assert said == held > 0
    comments = "select column_name, comment from duckdb_columns()"
    described = dict(rows(marts, f"{comments} where table_name = 'explained_outcomes'"))
    assert described["points"] == "积分 points, positive."
    assert described["explanation"] == "说明 the outcome as it is read to a member."


def test_without_its_marts_a_view_is_not_made() -> None:
    with duckdb.connect() as database:
        database.execute(
            "create table fct_tier_changes (reason varchar, rule_id varchar, is_reversal boolean);"
            "create table dim_rules (rule_id varchar, rule_name varchar, valid_from_date date,"
            " source varchar, approved_by varchar)"
        )
        write_explanations(database)
        made = rows(database, "select view_name from duckdb_views() where not internal")
    assert made == [("explained_tier_changes",)]


def test_every_outcome_entry_and_reason_has_words() -> None:
    told = (PROJECT / "docs" / "points.md").read_text(encoding="utf-8")
    table = told.split("| outcome | meaning |")[1].split("\n\n")[0]
    codes = {code for line in table.splitlines() for code in re.findall(r"`(\w+)`", line[:120])}
    assert codes - {"only_best_of", "clipped_points"} == OUTCOMES.keys()
    names = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["names"]
    assert names["entry_type"].keys() == ENTRIES.keys()
    assert names["reason"].keys() >= TIER_REASONS.keys()
