"""What bonus rules ask of the member: a birthday that is corrected and proved, a mission on offer.

Continues the worked example under two rules: 77 points for what is bought on the birthday itself,
and double points on a mission that is offered within 1,000 growth of the next tier. Wang Fang
bought R1 on 31 October 2025 and R2 on 30 October 2026, and stayed (F1) until 31 October 2026. Her
card says 1 May 1990.
2 Nov  The rules begin: none of the three is near her birthday. She buys R8 for ¥100. Growth is
       4,200 - 200 - 1,000 + 1,000 + 100 = 4,100, so 900 are missing to silver: she is offered a
       mission of 14 days from 3 November on. R8 came before it.
3 Nov  R9 for ¥500 gives 500 points, and 500 more. The card is corrected to 30 October 1990: R2
       earns, R1 and F1 do not.
4 Nov  The hotel has seen her document: 31 October 1990. It goes before the card: R1 and F1 earn. R2
       is delivered again as nobody's, so she never was within reach; her mission stays.
"""

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from stdnum.cn import ric

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline import worked_example
from tests.pipeline.nights import must_run
from tests.pipeline.test_corrections import NIGHTS
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

EARNING = """bonus_rules:
  - rule: on_the_day
    rule_name: 生日当天
    scope: {businesses: [mall, hotel], activity_types: [purchase, stay]}
    terms:
      - from: 2025-01-01
        value: {award: {points: 77}, when: {birthday: {window: day}}}
        source: Sheet
        approved_by: Somebody
  - rule: on_a_mission
    rule_name: 任务双倍
    scope: {businesses: [mall], activity_types: [purchase]}
    terms:
      - from: 2026-11-01
        value: {award: {percent_of_base: 100}, when: {mission: step}}
        source: Sheet
        approved_by: Somebody
"""
MISSIONS = """missions:
  - mission: step
    mission_name: 冲刺
    business: mall
    offers:
      - from: 2026-11-01
        value: {metric: growth, missing_at_most: 1000, days: 14}
        source: Sheet
        approved_by: Somebody
"""
NUMBER = "31010119901031002"
DOCUMENT = NUMBER + ric.calc_check_digit(NUMBER)
NO, YES = ("not_birthday", 0), ("awarded", 77)
ON_THE_DAY = """
select business, business_date, outcome, points
from fct_rating_outcomes
where rule = 'on_the_day' and business_date < date '2026-11-01'
    and outcome in ('awarded', 'not_birthday')
order by business, business_date
"""
Tables = Mapping[str, list[dict[str, Any]]]
Told = tuple[Path, list[list[tuple[Any, ...]]]]


def bought(receipt: str, day: int, fen: int) -> Tables:
    """A receipt of Wang Fang's and how it was paid."""
    sale = worked_example.sale(receipt, "10000001", datetime(2026, 11, day, 12, 0), fen)
    return {"sales": [sale], "tenders": [worked_example.tender(receipt, fen)]}


def deliveries() -> list[dict[str, Tables]]:
    """What is new on each of the three nights, by source."""
    said = worked_example.wang_fang()
    card = said["pos"]["members"][0] | {"birth_date": date(1990, 10, 30)}
    guest = said["hotel"]["guests"][0] | {"id_document": DOCUMENT}
    return [
        {"pos": bought("R8", 2, 10_000)},
        {"pos": {**bought("R9", 3, 50_000), "members": [card]}},
        {"hotel": {"guests": [guest]}},
    ]


@pytest.fixture(scope="module")
def told(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A copy of the worked example's lake after three nights more, and what each of them said of
    the rule of birthdays.
    """
    folder = tmp_path_factory.mktemp("conditions")
    shutil.copy(worked_lake.parent / "keys.json", folder / "keys.json")
    lake = folder / "lake"
    shutil.copytree(worked_lake, lake, symlinks=True)
    project = load_settings({}).dbt_project
    rules = shutil.copytree(project / "rules", folder / "rules")
    (rules / "programme" / "earning.yml").write_text(EARNING, encoding="utf-8")
    (rules / "programme" / "missions.yml").write_text(MISSIONS, encoding="utf-8")
    nobodys = worked_example.sale("R2", None, datetime(2026, 10, 31, 1, 30), 420_000)
    found = []
    for night, delivered in zip(NIGHTS, deliveries(), strict=True):
        for name in source_names(project):
            tables = {table: pl.DataFrame(new) for table, new in delivered.get(name, {}).items()}
            write_delivery(Lake(lake), load_source(project, name), night, tables)
        if night == NIGHTS[-1]:
            again = {"sales": pl.DataFrame([nobodys])}
            pos, first = load_source(project, "pos"), worked_example.NIGHTS[0]
            write_delivery(Lake(lake), pos, first, again, night=night, sequence=2)
        must_run(lake, "dags", "run", "--date", night.isoformat(), RULES_DIR=str(rules))
        found.append([row[2:] for row in rows(lake, ON_THE_DAY)])
    return lake, found


def test_a_corrected_and_a_proved_birthday_rate_old_orders_again(told: Told) -> None:
    before, corrected, proved = told[1]  # F1, R1, R2; at last R2 is nobody's
    assert before == [NO, NO, NO]
    assert corrected == [NO, NO, YES]
    assert proved == [YES, YES]


def test_points_follow_the_birthday_by_difference(told: Told) -> None:
    posted = rows(
        told[0],
        """
        select posted_date, sum(case when is_reversal then -points else points end) as points
        from fct_points_entries
        where rule_id = 'bonus/on_the_day/2025-01-01' and entry_type = 'accrual'
        group by posted_date
        order by posted_date
        """,
    )
    assert posted == [(NIGHTS[1], 77), (NIGHTS[2], 154 - 77)]


def test_birthdays_lie_in_the_night_that_is_built_and_nowhere_else(told: Told) -> None:
    lake = told[0]
    tonight = {tuple(row.values())[:4] for row in pq.read_table(Lake(lake).birthdays).to_pylist()}
    assert ("hotel", "G1", 10, 31) in tonight
    for zone in ("raw", "restricted", "posted", "published", "outbox", "decisions"):
        for path in (lake / zone).rglob("*.parquet"):
            names = set(pq.read_schema(path).names)
            assert not names & {"birth_month", "birth_day", "birth_date", "birthday_date"}, path
    with duckdb.connect(lake / "published" / "current" / "marts.duckdb", read_only=True) as marts:
        columns = marts.execute("select column_name from information_schema.columns").fetchall()
    assert {name for (name,) in columns if "birth" in name} == {"birth_year"}


def test_a_mission_stays_with_its_member_when_what_it_was_offered_for_is_corrected(
    told: Told,
) -> None:
    [mission] = rows(
        told[0],
        """
        select assigned_date, valid_from_date, valid_until_date, target_tier, target_value,
            progress_value, status, is_consented
        from fct_member_missions
        """,
    )
    days = (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 17))
    assert mission == (*days, "silver", 900, 500, "open", True)
    [(member,)] = rows(told[0], "select member_id from fct_member_missions")
    said = must_run(told[0], "exports", "explain", "member", member)
    assert "任务 mission 冲刺, 2026-11-03 至 through 2026-11-16: 500 / 900 → silver" in said
    missing = rows(
        told[0],
        """
        select missing_value
        from fct_tier_progress
        where purpose = 'reach' and member_id in (select member_id from fct_member_missions)
        """,
    )
    assert missing == [(5_000 - 1_600,)]  # F1, R8 and R9 are left: not within reach


def test_what_is_bought_on_a_mission_earns_twice_and_what_came_before_it_says_why_not(
    told: Told,
) -> None:
    outcomes = rows(
        told[0],
        """
        select business_date, outcome, points
        from fct_rating_outcomes
        where rule = 'on_a_mission' and business_date > date '2026-11-01'
        order by business_date
        """,
    )
    assert outcomes == [(date(2026, 11, 2), "no_mission", 0), (date(2026, 11, 3), "awarded", 500)]
