"""Rows that a business delivers again: what it no longer says must leave no trace in a balance.

Continues the worked example (test_worked_example.py), again by hand.
2 Nov  R2 is delivered again as nobody's. Wang Fang's growth is R1's 1,000, so she never was silver:
       her stay gave 1,000 x 150 % = 1,500. Of R1's 1,000 points 600 were spent and 400 expired.
       PP1 is delivered again as ¥11.00 paid without points: P1 keeps its 1,000; the session gave
       8 and gives 11.
       Wang Fang opens the mini-program: a check-in of 30 October comes late, and an offer is seen.
3 Nov  V1 is delivered again as unbound since 1 October: the session is nobody's.
       The check-in is delivered again as a look around.
4 Nov  Nothing is delivered, but the rules are written anew, so everything is derived again.
"""

import json
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.core.contract import Source, load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline import worked_example
from tests.pipeline.nights import copied, must_run
from tests.pipeline.test_worked_example import rows

NIGHTS = (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4))


def again(rows: list[dict[str, Any]], **changes: Any) -> pl.DataFrame:
    return pl.DataFrame([rows[-1] | changes])


def event(number: str, event_type: str, **named: str) -> dict[str, Any]:
    at = datetime(2026, 10, 30, 12, 0)
    known = {"event_id": number, "user_id": "U1", "event_type": event_type, "occurred_at": at}
    return {**known, **named}


def deliveries() -> list[dict[tuple[str, str], pl.DataFrame]]:
    """What the three nights deliver, by source and table."""
    first, second = worked_example.first_night(), worked_example.second_night()
    nobodys = worked_example.sale("R2", None, datetime(2026, 10, 31, 1, 30), 420_000)
    payments = second["parking"]["payments"]
    user = {
        "user_id": "U1",
        "mobile": "13911112222",
        "registered_date": date(2026, 10, 1),
        "is_marketing_consented": True,
    }
    seen = event("E2", "offer_viewed", **{"offer id": "YH01"})
    return [
        {
            ("pos", "sales"): pl.DataFrame([nobodys]),
            ("parking", "payments"): again(payments, paid_fen=1_100, points_used=0),
            ("miniprogram", "users"): pl.DataFrame([user]),
            ("miniprogram", "events"): pl.DataFrame([seen, event("E1", "check_in")]),
        },
        {
            ("parking", "vehicles"): again(
                first["parking"]["vehicles"], unbound_date=date(2026, 10, 1)
            ),
            ("miniprogram", "events"): pl.DataFrame([event("E1", "browse", page="home")]),
        },
        {},
    ]


def deliver(lake: Lake, source: Source, night: date, tables: dict[str, pl.DataFrame]) -> None:
    """What a source delivers one night: what is new with its day, corrections on their own."""
    is_first = (source.name, night) == ("miniprogram", NIGHTS[0])
    is_new = {name: is_first or source.table(name).mode == "upsert" for name in tables}
    write_delivery(lake, source, night, {name: tables[name] for name in tables if is_new[name]})
    if corrected := {name: tables[name] for name in tables if not is_new[name]}:
        first_night = worked_example.NIGHTS[0]
        write_delivery(lake, source, first_night, corrected, night=night, sequence=2)


def deliver_night(lake: Path, night: date, tables: dict[tuple[str, str], pl.DataFrame]) -> None:
    """What all sources deliver one night, by source and table."""
    project = load_settings({}).dbt_project
    for name in source_names(project):
        own = {table: frame for (source, table), frame in tables.items() if source == name}
        deliver(Lake(lake), load_source(project, name), night, own)


@pytest.fixture(scope="module")
def lake(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example's lake after three nights more; the last one under rules written anew."""
    folder = tmp_path_factory.mktemp("corrected")
    lake = copied(worked_lake, folder)
    rules = shutil.copytree(load_settings({}).rules, folder / "rules")
    for night, tables in zip(NIGHTS, deliveries(), strict=True):
        deliver_night(lake, night, tables)
        if night == NIGHTS[-1]:
            points = rules / "programme" / "points.yml"
            points.write_text(points.read_text(encoding="utf-8") + "# anew\n", encoding="utf-8")
        must_run(lake, "dags", "run", "--date", night.isoformat(), RULES_DIR=str(rules))
    return lake


def test_a_receipt_that_changes_hands_takes_its_points_and_its_tier_with_it(lake: Path) -> None:
    entries = rows(
        lake,
        """
        select entry_type, sum(case when is_reversal then -points else points end)::bigint
        from fct_points_entries
        where account_id in ('10000001', 'G1')
        group by all having sum(case when is_reversal then -points else points end) <> 0
        order by all
        """,
    )
    assert entries == [("accrual", 2500), ("expiry", 400), ("redemption", 600)]
    (silver,) = rows(lake, "select count(*) from dim_member_tiers where tier <> 'basic'")
    assert silver == (0,)


def test_points_that_a_payment_no_longer_spends_come_back(lake: Path) -> None:
    posted = rows(
        lake,
        """
        select entry_type, points, is_reversal, issuer_business
        from fct_points_entries
        where posted_date = '2026-11-02' and account_id in ('KH1', 'V1') order by all
        """,
    )
    assert posted == [
        ("accrual", 3, False, "parking"),
        ("redemption", 300, True, "property"),
    ]


def test_a_car_that_was_sold_before_it_parked_earned_nothing(lake: Path) -> None:
    posted = rows(
        lake,
        """
        select entry_type, points, is_reversal from fct_points_entries
        where posted_date = '2026-11-03' order by all
        """,
    )
    assert posted == [("accrual", 11, True)]
    (session,) = rows(
        lake, "select account_id, member_id from fct_activities where document_no = 'PS1'"
    )
    assert session == (None, None)


def test_a_behaviour_counts_as_it_was_corrected_on_its_own_date_for_its_member(lake: Path) -> None:
    behaviours = rows(
        lake,
        """
        select event_id, event_type, behaviours.account_id, page, offer_id,
            business_date::varchar, load_date::varchar
        from fct_behaviours as behaviours
        inner join dim_member_accounts as mall on behaviours.member_id = mall.member_id
        where mall.account_id = '10000001' order by all
        """,
    )
    assert behaviours == [
        ("E1", "browse", "U1", "home", None, "2026-10-30", "2026-11-03"),
        ("E2", "offer_viewed", "U1", None, "YH01", "2026-10-30", "2026-11-02"),
    ]


def test_an_activity_is_posted_again_only_if_it_says_something_else(lake: Path) -> None:
    said = "activity_type, is_withdrawn, replaces_posted_date::varchar, posted_date::varchar"
    glob = lake / "posted" / "activities" / "*" / "*.parquet"
    posted = rows(
        lake,
        f"select {said} from read_parquet('{glob}', hive_partitioning = true) "
        "where posted_date > '2026-11-01' order by all",
    )
    assert posted == [
        ("check_in", False, None, "2026-11-02"),
        ("check_in", True, "2026-11-02", "2026-11-03"),
        ("parking_session", False, "2026-10-31", "2026-11-02"),
        ("parking_session", False, "2026-11-02", "2026-11-03"),
        ("points_redemption", True, "2026-10-31", "2026-11-02"),
        ("purchase", False, "2026-10-30", "2026-11-02"),
    ]


def test_a_night_that_derives_everything_again_posts_nothing(lake: Path) -> None:
    night = (lake / "published" / "current" / "manifest.json").read_text(encoding="utf-8")
    posted = {table["name"]: table["rows"] for table in json.loads(night)["posted"]}
    assert posted.keys() >= {"activities", "points_entries", "settlement_lines", "tier_changes"}
    assert set(posted.values()) == {0}
