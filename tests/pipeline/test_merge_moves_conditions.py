"""A merge takes a birthday and a mission to another member's activities, and an unmerge back.

Continues the worked example under the rules of test_bonus_conditions.py, for fees and parking too.
Li Qiang tells nobody a birthday, and is offered nothing.
2 Nov  Wang Fang's card is corrected to 30 October: R2 earns 77. Of P1, which Li Qiang paid on that
       day, no birthday is known. She buys R8 for ¥100: 100 points, and 900 growth are missing to
       silver, so she is offered a mission from 3 November on.
3 Nov  Somebody has decided that the two are one person. P1 of 30 October earns 77. R1, R2, P1 and
       PS1 made 1,000 + 4,200 + 1,000 + 8 = 6,208 growth by 30 October, of which refunds leave
       5,008: silver since 31 October. R8 gives 120. PS2, parked for ¥500 on the mission, gives 600,
       and 600 more; the mission has grown by 500, and is completed on its first day.
4 Nov  They are not. P1 has no birthday again, R8 gives 100, PS2 gives 500 and was on no mission.
       The mission is Wang Fang's, has grown by nothing and is open.
       She has 3,000 of R2, 1,800 of F1, 77 and 100: 4,977. He has 1,000 - 300 of P1, 8 and 500.
"""

import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline import worked_example
from tests.pipeline.nights import copied, must_run
from tests.pipeline.test_bonus_conditions import EARNING, MISSIONS, Tables, bought
from tests.pipeline.test_corrections import NIGHTS
from tests.pipeline.test_merge_and_unmerge import PAIR
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

WIDER = (
    EARNING.replace("[mall, hotel]", "[mall, hotel, property]")
    .replace("[purchase, stay]", "[purchase, stay, fee_payment]")
    .replace("[mall]", "[mall, parking]")
    .replace("[purchase]", "[purchase, parking_session]")
)
OUTCOMES = """
select document_no, outcomes.rule, outcome, outcomes.points
from fct_rating_outcomes as outcomes inner join fct_activities using (activity_id)
where document_no in ('P1', 'PS2', 'R2', 'R8') and activity_type <> 'points_redemption'
    and (document_no, outcomes.rule) not in (('R8', 'on_the_day'), ('R2', 'on_a_mission'))
order by all
"""
MISSION = """
select progress_value, target_value, status,
    member_id in (select member_id from dim_member_accounts where account_id = '10000001'),
    member_id in (select member_id from dim_member_accounts where account_id = 'KH1')
from fct_member_missions
"""
PERSONS = """
select account_id, balance_points
from fct_points_balances inner join dim_member_accounts using (member_id)
where account_id in ('10000001', 'KH1') order by account_id
"""
Told = tuple[Path, list[dict[str, list[tuple[Any, ...]]]]]


def parked() -> dict[str, Tables]:
    """Li Qiang parks for ¥500 on 3 November."""
    session = {
        "session_no": "PS2",
        "lot_no": "L1",
        "plate_no": "沪A12345",
        "entered_at": datetime(2026, 11, 3, 9, 0),
        "exited_at": datetime(2026, 11, 3, 11, 0),
    }
    payment = {
        "payment_no": "PP2",
        "session_no": "PS2",
        "paid_at": datetime(2026, 11, 3, 10, 59),
        "paid_fen": 50_000,
        "points_used": 0,
    }
    return {"parking": {"sessions": [session], "payments": [payment]}}


@pytest.fixture(scope="module")
def told(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The lake after the three nights, and what each of them said."""
    folder = tmp_path_factory.mktemp("moved")
    lake = copied(worked_lake, folder)
    project = load_settings({}).dbt_project
    rules = shutil.copytree(project / "rules", folder / "rules")
    (rules / "programme" / "earning.yml").write_text(WIDER, encoding="utf-8")
    (rules / "programme" / "missions.yml").write_text(MISSIONS, encoding="utf-8")
    card = worked_example.wang_fang()["pos"]["members"][0] | {"birth_date": date(1990, 10, 30)}
    deliveries: list[dict[str, Tables]] = [
        {"pos": {**bought("R8", 2, 10_000), "members": [card]}},
        parked(),
        {},
    ]
    decisions: list[list[str]] = [[], ["must-link", *PAIR], ["withdraw", *PAIR]]
    found = []
    for night, delivered, decision in zip(NIGHTS, deliveries, decisions, strict=True):
        for name in source_names(project):
            tables = {table: pl.DataFrame(new) for table, new in delivered.get(name, {}).items()}
            write_delivery(Lake(lake), load_source(project, name), night, tables)
        if decision:
            must_run(lake, "identity_resolution", "decide", *decision)
        must_run(lake, "dags", "run", "--date", night.isoformat(), RULES_DIR=str(rules))
        asked = {"outcomes": OUTCOMES, "mission": MISSION, "balances": PERSONS}
        found.append({what: rows(lake, query) for what, query in asked.items()})
    return lake, found


def test_a_birthday_and_a_mission_go_where_their_account_goes_and_come_back(told: Told) -> None:
    before, together, parted = told[1]
    apart = [
        ("P1", "base", "awarded", 1_000),
        ("P1", "on_the_day", "birthday_unknown", 0),
        ("R2", "base", "awarded", 4_200),
        ("R2", "on_the_day", "awarded", 77),
        ("R8", "base", "awarded", 100),
        ("R8", "on_a_mission", "no_mission", 0),
    ]
    assert before["outcomes"] == apart
    assert together["outcomes"] == [
        ("P1", "base", "awarded", 1_000),
        ("P1", "on_the_day", "awarded", 77),
        ("PS2", "base", "awarded", 600),
        ("PS2", "on_a_mission", "awarded", 600),
        *apart[2:4],
        ("R8", "base", "awarded", 120),
        ("R8", "on_a_mission", "no_mission", 0),
    ]
    alone = [("PS2", "base", "awarded", 500), ("PS2", "on_a_mission", "no_mission", 0)]
    assert parted["outcomes"] == [*apart[:2], *alone, *apart[2:]]


def test_the_mission_is_of_whoever_has_its_account(told: Told) -> None:
    assert [each["mission"] for each in told[1]] == [
        [(0, 900, "open", True, False)],
        [(500, 900, "completed", True, True)],
        [(0, 900, "open", True, False)],
    ]


def test_what_the_merge_gave_is_posted_and_taken_back_by_difference(told: Told) -> None:
    posted = rows(
        told[0],
        """
        select rule_id, posted_date, sum(case when is_reversal then -points else points end)::bigint
        from fct_points_entries
        where rule_id like 'bonus/%' and entry_type = 'accrual'
        group by all order by all
        """,
    )
    assert posted == [
        ("bonus/on_a_mission/2026-11-01", NIGHTS[1], 600),
        ("bonus/on_a_mission/2026-11-01", NIGHTS[2], -600),
        ("bonus/on_the_day/2025-01-01", NIGHTS[0], 77),
        ("bonus/on_the_day/2025-01-01", NIGHTS[1], 77),
        ("bonus/on_the_day/2025-01-01", NIGHTS[2], -77),
    ]


def test_after_the_unmerge_each_has_what_is_theirs(told: Told) -> None:
    assert told[1][2]["balances"] == [("10000001", 4_977), ("KH1", 1_208)]
