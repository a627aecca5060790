"""The hotel comes with a club of its own: three real nights about a cut-over, by hand.

The hotel cuts over on 30 October; its list of eight lines comes a night late, and line 7 is
corrected on the third night. 王芳 is mall member 10000001 and hotel guest G1; 赵六 is guest G2.

30 Oct  F0, ¥500.00 and 100 points taken: inside the legacy balance, so nothing. R1 and R2 give
        1,000 (usable through 31 Oct) and 4,200 at the mall. Growth 5,200: silver from the 31st,
        for F0's 500 do not count.
31 Oct  The list. Lines 1 and 2 open 1,000 (through 1 Nov) and 500 (12 months: 30 Oct 2027) for G1,
        line 3 opens 300 for G2; 4 repeats 3, 5 is −40, 6 is nobody's 700, 7 lapsed on the cut-over
        date, 8 brings a tier that nobody has mapped. Signed 2,780 = opened 1,800 + excepted 980.
        白金会员 is gold: from 31 Oct, instead of silver, through 31 Dec 2027.
        F1: 600 points spent from R1, whose other 400 lapse; ¥1,000.00 x 150 % x 150 % = 2,250.
1 Nov   Line 7 again, usable through 30 Dec: 1,820 + 960. F0 is refunded by ¥100.00: nothing.
        The mall takes 300 points for R6, of line 1, the earliest to lapse; the other 700 lapse.
        ¥1,000.00 of money x 150 % = 1,500. The hotel pays the mall ¥3.00, and the fund nothing.
"""

import shutil
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline.nights import must_run
from tests.pipeline.test_worked_example import rows
from tests.pipeline.worked_example import sale, second_night, tender, wang_fang

pytestmark = pytest.mark.long  # production nights, minutes each

NIGHTS = (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1))
Tables = Mapping[str, Mapping[str, list[dict[str, Any]]]]
BOOK = """
migrations:
  - business: hotel
    legacy_system_name: 酒店旧会员俱乐部
    cut_over_date: 2026-10-30
    signed: {accounts: 3, points: 2780}
    tiers: {kept_through: 2027-12-31, becomes: {普通会员: basic, 白金会员: gold}}
    source: Protocol §2
    approved_by: Committee
"""


def line(number: int, guest: str, points: int, last: date | None, tier: str) -> dict[str, Any]:
    return {
        "line_no": number,
        "guest_id": guest,
        "points": points,
        "expires_on_date": last,
        "tier_name": tier,
        "as_of_date": NIGHTS[0],
    }


LINES = [
    line(1, "G1", 1_000, date(2026, 11, 1), "白金会员"),
    line(2, "G1", 500, None, "白金会员"),
    line(3, "G2", 300, None, "普通会员"),
    line(4, "G2", 300, None, "普通会员"),
    line(5, "G1", -40, None, "普通会员"),
    line(6, "G9", 700, None, "白金会员"),
    line(7, "G2", 20, date(2026, 10, 30), "普通会员"),
    line(8, "G2", 0, None, "黑金会员"),
]


def folio(number: str, day: date, paid_fen: int, points: int, of: str | None) -> dict[str, Any]:
    return {
        "folio_no": number,
        "stay_no": f"S{number}",
        "guest_id": "G1",
        "closed_at": datetime(day.year, day.month, day.day, 11),
        "audit_date": day,
        "channel": "web",
        "gross_fen": paid_fen + points,
        "discount_fen": 0,
        "paid_fen": paid_fen,
        "points_used": points,
        "original_folio_no": of,
    }


def deliveries() -> tuple[Tables, Tables, Tables]:
    wang = wang_fang()
    zhao = {
        "guest_id": "G2",
        "guest_name": "赵六",
        "mobile": "13655556666",
        "created_date": date(2026, 1, 1),
        "is_marketing_consented": False,
    }
    hotel = {
        "guests": [*wang["hotel"]["guests"], zhao],
        "folios": [folio("F0", NIGHTS[0], 50_000, 100, None)],
    }
    taken = {"receipt_no": "R6", "tender_no": 2, "tender_type": "points", "amount_fen": 300}
    mall = {
        "sales": [sale("R6", "10000001", datetime(2026, 11, 1, 15), 100_300)],
        "tenders": [tender("R6", 100_000), taken | {"points": 300}],
    }
    refund = [folio("F0R", NIGHTS[2], -10_000, 0, "F0")]
    stays = second_night()["hotel"]["folios"]
    return (
        {"pos": wang["pos"], "hotel": hotel},
        {"hotel": {"folios": stays, "legacy_balances": LINES}},
        {"pos": mall, "hotel": {"folios": refund}},
    )


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after the three nights."""
    folder = tmp_path_factory.mktemp("migration")
    settings = load_settings({})
    rules = shutil.copytree(settings.rules, folder / "rules")
    (rules / "programme" / "migrations.yml").write_text(BOOK, encoding="utf-8")
    lake = folder / "lake"
    sources = [
        load_source(settings.dbt_project, each) for each in source_names(settings.dbt_project)
    ]
    for night, delivered in zip(NIGHTS, deliveries(), strict=True):
        for source in sources:
            tables = delivered.get(source.name, {})
            frames = {name: pl.DataFrame(part) for name, part in tables.items()}
            write_delivery(Lake(lake), source, night, frames)
    [hotel] = [source for source in sources if source.name == "hotel"]
    corrected = pl.DataFrame([LINES[6] | {"expires_on_date": date(2026, 12, 30)}])
    write_delivery(Lake(lake), hotel, NIGHTS[1], {"legacy_balances": corrected}, NIGHTS[2], 2)
    must_run(lake, "ingest", "keys")
    first, last = NIGHTS[0].isoformat(), NIGHTS[2].isoformat()
    must_run(lake, "dags", "backfill", "--from", first, "--to", last, RULES_DIR=str(rules))
    return lake


def rows_of_night(lake: Path, night: date, sql: str) -> list[tuple[Any, ...]]:
    [version] = (lake / "published").glob(f"{night}-*")
    with duckdb.connect(version / "marts.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


PROOF = """
    select status, signed_account_count, delivered_account_count, signed_points, delivered_points,
        opened_points, excepted_points, difference_points
    from fct_migrations
"""
EXCEPTIONS = """
    select line_no, reason, excepted_points, account_id from fct_migration_exceptions order by all
"""


def test_what_the_business_signed_is_what_was_opened_and_what_is_excepted(lake: Path) -> None:
    assert rows_of_night(lake, NIGHTS[0], PROOF) == [("awaited", 3, 0, 2780, 0, 0, 0, 2780)]
    assert rows_of_night(lake, NIGHTS[1], PROOF) == [("agreed", 3, 3, 2780, 2780, 1800, 980, 0)]
    assert rows(lake, PROOF) == [("agreed", 3, 3, 2780, 2780, 1820, 960, 0)]


def test_each_exception_is_listed_until_it_is_corrected(lake: Path) -> None:
    exceptions = [
        (4, "repeated_line", 300, "G2"),
        (5, "negative_points", -40, "G1"),
        (6, "unknown_account", 700, "G9"),
        (7, "expired_before_cut_over", 20, "G2"),
        (8, "unknown_tier", 0, "G2"),
    ]
    assert rows_of_night(lake, NIGHTS[1], EXCEPTIONS) == exceptions
    assert rows(lake, EXCEPTIONS) == exceptions[:3] + exceptions[4:]


def test_what_happened_through_the_cut_over_date_earns_nothing_here_and_what_comes_after_does(
    lake: Path,
) -> None:
    outcomes = rows(
        lake,
        """
        select document_no, activity_type, outcome, outcomes.points, outcomes.rule_id
        from fct_rating_outcomes as outcomes inner join fct_activities using (activity_id)
        where outcomes.business = 'hotel' and document_no like 'F%' and rule = 'base' order by all
        """,
    )
    rule = "migration/hotel/2026-10-30"
    assert outcomes == [
        ("F0", "points_redemption", "in_legacy_balance", 0, rule),
        ("F0", "stay", "in_legacy_balance", 0, rule),
        ("F0R", "refund", "order_in_legacy_balance", 0, rule),
        ("F1", "points_redemption", "redeemed", 600, "redemption/hotel"),
        ("F1", "stay", "awarded", 2250, "earn/hotel/2024-01-01"),
    ]


def test_opening_lots_are_the_hotels_and_lapse_when_the_list_or_the_rule_of_expiry_says(
    lake: Path,
) -> None:
    lots = rows(
        lake,
        """
        select account_id, earned_on_date::varchar, expires_on_date::varchar, issued_points,
            redeemed_points, expired_points, remaining_points
        from fct_points_lots where lot_id like 'opening/%' and issuer_business = 'hotel'
        order by account_id, expires_on_date
        """,
    )
    cut_over = "2026-10-30"
    assert lots == [
        ("G1", cut_over, "2026-11-01", 1000, 300, 700, 0),
        ("G1", cut_over, "2027-10-30", 500, 0, 0, 500),
        ("G2", cut_over, "2026-12-30", 20, 0, 0, 20),
        ("G2", cut_over, "2027-10-30", 300, 0, 0, 300),
    ]
    balances = rows(
        lake,
        """
        select account_id, issued_points, redeemed_points, expired_points, balance_points
        from fct_points_balances inner join dim_member_accounts using (member_id)
        where account_id in ('G1', 'G2') order by 1
        """,
    )
    assert balances == [("G1", 10450, 900, 1100, 8450), ("G2", 320, 0, 0, 320)]


def test_the_liability_of_the_hotel_rolls_forward_with_what_was_opened(lake: Path) -> None:
    # October: 1,800 opened and 2,250 earned. November: 20 opened, 300 taken, 700 lapsed.
    liability = rows(
        lake,
        """
        select period_month::varchar, opening_points, issued_points, redeemed_points,
            expired_points, closing_points
        from fct_points_liability where issuer_business = 'hotel' order by 1
        """,
    )
    assert liability == [
        ("2026-10-01", 0, 4050, 0, 0, 4050),
        ("2026-11-01", 4050, 20, 300, 700, 3070),
    ]


def test_a_member_starts_with_the_tier_that_the_legacy_one_became(lake: Path) -> None:
    changes = rows(
        lake,
        """
        select posted_date::varchar, effective_date::varchar, from_tier, to_tier, changes.reason,
            growth_value, period_end_date::varchar, is_reversal
        from fct_tier_changes as changes order by posted_date, is_reversal desc
        """,
    )
    silver = ("2026-10-31", "basic", "silver", "upgrade", 5200, "2027-10-30")
    gold = ("2026-10-31", "basic", "gold", "migration", 5200, "2027-12-31")
    assert changes == [
        ("2026-10-30", *silver, False),
        ("2026-10-31", *silver, True),
        ("2026-10-31", *gold, False),
    ]
    tiers = rows(
        lake,
        """
        select account_id, tier from dim_member_tiers
        inner join dim_member_accounts using (member_id)
        where account_id in ('G1', 'G2') order by 1
        """,
    )
    assert tiers == [("G1", "gold"), ("G2", "basic")]


def test_the_issuer_pays_for_opened_points_when_they_are_taken_and_not_before(lake: Path) -> None:
    lines = rows(
        lake,
        """
        select posted_date::varchar, movement_type, payer_party, payee_party, points, amount_fen
        from fct_settlement_lines where 'hotel' in (payer_party, payee_party) order by all
        """,
    )
    assert lines == [
        ("2026-10-31", "accrual", "hotel", "fund", 2250, 2250),
        ("2026-10-31", "redemption", "fund", "hotel", 600, 600),
        ("2026-11-01", "redemption", "hotel", "mall", 300, 300),
    ]


def test_no_invariant_is_broken_and_the_proof_is_one_of_them(lake: Path) -> None:
    broken = rows(
        lake, "select invariant, violation_count from fct_invariants where invariant = 'I10'"
    )
    assert broken == [("I10", 0)]
    # One migration and eight lines, each with an outcome.
    checked = "select checked_count from fct_invariants where invariant = 'I10'"
    assert rows(lake, checked) == [(9,)]
    assert rows(lake, "select sum(violation_count)::bigint from fct_invariants") == [(0,)]


def test_an_opening_lot_is_explained_at_the_service_desk(lake: Path) -> None:
    said = must_run(lake, "exports", "explain", "activity", "hotel:legacy-1")
    assert "hotel opening_balance legacy-1  2026-10-30  旧系统余额 legacy balance 1,000" in said
    assert "旧等级 legacy tier 白金会员" in said
    assert "base: 期初积分 (旧系统迁入) (opened) 1,000" in said
    assert "opening:hotel → member" in said
    assert "已用 300, 过期 700" in said
    said = must_run(lake, "exports", "explain", "activity", "hotel:legacy-4")
    assert "旧系统清单重复行 (repeated_line) 0" in said
    assert "没有产生分录" in said
    said = must_run(lake, "exports", "explain", "activity", "hotel:F0")
    assert "迁移切换日前的活动, 已计入旧系统余额 (in_legacy_balance) 0" in said
    day = NIGHTS[1].isoformat()
    said = must_run(lake, "exports", "explain", "balance", "hotel:G1", "--on", day, "--known", day)
    assert "1,000  hotel 2026-10-30 期初 opened, 有效至 until 2026-11-01" in said
    assert "2,250  hotel 2026-10-31 得 earned" in said


def test_the_run_report_shows_the_proof(lake: Path) -> None:
    report = lake / "outbox" / "report" / NIGHTS[2].isoformat() / "run_report.txt"
    text = report.read_text(encoding="utf-8")
    assert "会员系统迁移" in text
    assert "相符" in text
    assert "不符的迁移 0" in " ".join(text.split())
