"""Points that are paid for at issue, at redemption or in two parts: six real nights, by hand.

The worked example's people, under other terms: the mall deposits 40 % of a point and gets half of
that back when it lapses; the hotel pays when its points are taken; the property company pays the
fund at issue until 30 October and at redemption from the 31st on; parking is as ever. A point costs
1 fen.
30 Oct  R1 (31 Oct 2025) 1,000 and R2 4,200 points of the mall: deposits 400 and 1,680. P1 1,000 of
        the property company, the last day of the old terms: 1,000.
31 Oct  The hotel takes 600 of R1: the fund pays 240, the mall 360. R1's other 400 lapse: of the
        deposit of 160 the mall gets 80. R4 takes 200 of R2 back: 80. F1 gives 1,800 of the hotel:
        nothing. Parking gives 8, and takes 300 of P1: the fund pays 300, whatever holds today.
1 Nov   R5 takes 1,000 more of R2 back: 400.
2 Nov   F2 takes 1,000 of R2 (the fund 400, the mall 600) and gives 150 of the hotel. For R6 the
        mall takes 300 of R2 itself: its deposit of 120; R6 gives 100: 40. P2 gives 1,000 of the
        property company under the new terms: nothing.
3 Nov   F2 is partly given back, 250 points: the hotel pays the fund 100 and the mall 150.
4 Nov   R2 is delivered again as nobody's, so all of it goes back the way it came. F1 gave 1,500,
        and F2 and R6 took these: for R6 the hotel pays the mall 300, for its own F2 nothing.
"""

import re
import shutil
from collections.abc import Mapping
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
from tests.pipeline.nights import must_run
from tests.pipeline.test_worked_example import rows
from tests.pipeline.worked_example import sale, tender

pytestmark = pytest.mark.long  # production nights, minutes each

LAST_NIGHTS = (date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4))
SAID = "source: Sheet, approved_by: Somebody"
FUNDING = f"""funding_exceptions:
  - issuer_business: mall
    funding:
      - from: 2024-01-01
        value: {{mode: hybrid, deposit_percent: 40, returned_percent: 50}}
        source: Sheet
        approved_by: Somebody
  - issuer_business: hotel
    funding:
      - {{from: 2024-01-01, value: {{mode: bilateral}}, {SAID}}}
  - issuer_business: property
    funding:
      - {{from: 2024-01-01, value: {{mode: pool}}, {SAID}}}
      - {{from: 2026-10-31, value: {{mode: bilateral}}, {SAID}}}

"""
Tables = Mapping[str, Mapping[str, list[dict[str, Any]]]]


def folio(number: str, day: int, paid_fen: int, points: int, of: str | None = None) -> Any:
    stay = worked_example.second_night()["hotel"]["folios"][0]
    return stay | {
        "folio_no": number,
        "stay_no": f"S{number}",
        "closed_at": datetime(2026, 11, day, 11, 0),
        "audit_date": date(2026, 11, day),
        "gross_fen": paid_fen + points,
        "discount_fen": 0,
        "paid_fen": paid_fen,
        "points_used": points,
        "original_folio_no": of,
    }


def deliveries() -> list[Tables]:
    """What is new on each of the last three nights."""
    taken = {"receipt_no": "R6", "tender_no": 2, "tender_type": "points", "amount_fen": 300}
    mall = {
        "sales": [sale("R6", "10000001", datetime(2026, 11, 2, 15, 0), 10_300)],
        "tenders": [tender("R6", 10_000), taken | {"points": 300}],
    }
    fee = worked_example.li_qiang()["property"]["fee_payments"][0]
    paid = {"payment_no": "P2", "paid_at": datetime(2026, 11, 2, 9, 0)}
    return [
        {
            "pos": mall,
            "hotel": {"folios": [folio("F2", 2, 10_000, 1_000)]},
            "property": {"fee_payments": [fee | paid]},
        },
        {"hotel": {"folios": [folio("F2R", 3, 0, -250, "F2")]}},
        {},
    ]


def write_rules(folder: Path) -> Path:
    """The project's rule books with the funding above, and nothing given but the base rate, and at
    once: the demo group's property company gives by instalments from 2 November on.
    """
    rules = Path(shutil.copytree(load_settings({}).rules, folder / "rules"))
    programme = rules / "programme"
    (programme / "earning.yml").write_text("bonus_rules: []\n", encoding="utf-8")
    (programme / "missions.yml").write_text("missions: []\n", encoding="utf-8")
    book = (programme / "settlement.yml").read_text(encoding="utf-8")
    changed = re.sub(r"funding_exceptions:.*?\n\n", FUNDING, book, flags=re.DOTALL)
    assert changed != book
    (programme / "settlement.yml").write_text(changed, encoding="utf-8")
    property_company = rules / "businesses" / "property.yml"
    book = property_company.read_text(encoding="utf-8")
    changed = re.sub(r"vesting:.*?\n\n", "", book, flags=re.DOTALL)
    assert changed != book
    property_company.write_text(changed, encoding="utf-8")
    return rules


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after the six nights."""
    folder = tmp_path_factory.mktemp("funding")
    rules = write_rules(folder)
    lake = folder / "lake"
    worked_example.write_landing(lake)
    project = load_settings({}).dbt_project
    for night, delivered in zip(LAST_NIGHTS, deliveries(), strict=True):
        for name in source_names(project):
            tables = {key: pl.DataFrame(new) for key, new in delivered.get(name, {}).items()}
            write_delivery(Lake(lake), load_source(project, name), night, tables)
    nobodys = pl.DataFrame([sale("R2", None, datetime(2026, 10, 31, 1, 30), 420_000)])
    pos, first, last = load_source(project, "pos"), worked_example.NIGHTS[0], LAST_NIGHTS[-1]
    write_delivery(Lake(lake), pos, first, {"sales": nobodys}, night=last, sequence=2)
    must_run(lake, "ingest", "keys")
    nights = ("--from", first.isoformat(), "--to", last.isoformat())
    must_run(lake, "dags", "backfill", *nights, RULES_DIR=str(rules))
    return lake


def lines_of(lake: Path, day: date) -> list[tuple[Any, ...]]:
    """What points moved on a day; a merchant's orders move none."""
    return rows(
        lake,
        f"""
        select movement_type, payer_party, payee_party, points, amount_fen, is_reversal
        from fct_settlement_lines where posted_date = date '{day}' and points <> 0
        order by movement_type, payer_party, payee_party, points
        """,
    )


def test_who_pays_follows_the_terms_of_the_day_on_which_a_lot_was_earned(lake: Path) -> None:
    first, second, third = worked_example.NIGHTS
    assert lines_of(lake, first) == [
        ("accrual", "mall", "fund", 1000, 400, False),
        ("accrual", "mall", "fund", 4200, 1680, False),
        ("accrual", "property", "fund", 1000, 1000, False),
    ]
    assert lines_of(lake, second) == [
        ("accrual", "parking", "fund", 8, 8, False),
        ("claw_back", "fund", "mall", 200, 80, False),
        ("deposit_return", "fund", "mall", 400, 80, False),
        ("redemption", "fund", "hotel", 600, 240, False),
        ("redemption", "fund", "parking", 300, 300, False),
        ("redemption_top_up", "mall", "hotel", 600, 360, False),
    ]
    assert lines_of(lake, third) == [("claw_back", "fund", "mall", 1000, 400, False)]


def test_what_an_issuer_takes_itself_is_its_deposit_and_a_return_goes_back_to_both(
    lake: Path,
) -> None:
    taken, returned, _ = LAST_NIGHTS
    assert lines_of(lake, taken) == [
        ("accrual", "mall", "fund", 100, 40, False),
        ("redemption", "fund", "hotel", 1000, 400, False),
        ("redemption", "fund", "mall", 300, 120, False),
        ("redemption_top_up", "mall", "hotel", 1000, 600, False),
    ]
    assert lines_of(lake, returned) == [
        ("restore", "hotel", "fund", 250, 100, False),
        ("restore_top_up", "hotel", "mall", 250, 150, False),
    ]


def test_an_order_that_is_nobodys_takes_all_of_it_back_the_way_it_came(lake: Path) -> None:
    assert lines_of(lake, LAST_NIGHTS[-1]) == [
        ("accrual", "fund", "mall", 4200, 1680, True),
        ("claw_back", "mall", "fund", 200, 80, True),
        ("claw_back", "mall", "fund", 1000, 400, True),
        ("redemption", "hotel", "fund", 1000, 400, True),
        ("redemption", "hotel", "mall", 300, 300, False),
        ("redemption", "mall", "fund", 300, 120, True),
        ("redemption_top_up", "hotel", "mall", 1000, 600, True),
        ("restore", "fund", "hotel", 250, 100, True),
        ("restore_top_up", "mall", "hotel", 250, 150, True),
    ]
    left = rows(
        lake,
        """
        with sides as (
            select lot_id, payee_party as party, amount_fen from fct_settlement_lines
            union all select lot_id, payer_party, -amount_fen from fct_settlement_lines
        )
        select party, sum(amount_fen)::bigint from sides
        where lot_id = (select activity_id from fct_activities where document_no = 'R2')
        group by party order by party
        """,
    )
    assert left == [("fund", 0), ("hotel", 0), ("mall", 0)]


def test_each_party_ends_with_what_was_computed_by_hand_and_all_together_with_nothing(
    lake: Path,
) -> None:
    # Mall: -400 - 360 + 80 for R1, -40 + 300 for R6. Hotel: 240 + 360 - 300. Fund: 400 - 240 - 80
    # for R1 (what it keeps of the lapsed deposit), 1,000 - 300 for P1, 8 and R6's 40.
    # The merchant: R1, R2, R3 and R6 sold 5,399.99 and 3.00 of points, R4 and R5 gave 1,200.00
    # back: 420,299. Commission of 8 %: 33,600 + 8,000 + 800 (R3's 799.92) + 824 - 1,600 - 8,000
    # = 33,624. Fees of 0.6 %, of money alone: 2,520 + 600 + 60 (R3's 59.994) + 60 - 120 - 600.
    closing = rows(
        lake,
        """
        select party, closing_fen from fct_settlement_balances
        where period_month = date '2026-11-01' and closing_fen <> 0 order by party
        """,
    )
    assert closing == [
        ("fund", 828),
        ("hotel", 300),
        ("mall", -420 - (420_299 - 33_624 - 2_520)),
        ("mall/S1", 420_299 - 33_624 - 2_520),
        ("parking", 292),
        ("property", -1000),
    ]
    assert rows(lake, "select sum(violation_count)::bigint from fct_invariants") == [(0,)]


def test_lines_cite_the_funding_of_their_lot_and_two_of_one_entry_have_ids_of_their_own(
    lake: Path,
) -> None:
    cited = rows(
        lake,
        """
        select distinct regexp_extract(rule_id, 'funding/[^ ]+') from fct_settlement_lines
        where points <> 0 order by 1
        """,
    )
    assert cited == [
        ("funding/hotel/2024-01-01",),
        ("funding/mall/2024-01-01",),
        ("funding/parking/2024-01-01",),
        ("funding/property/2024-01-01",),
    ]
    pairs = rows(
        lake,
        """
        select count(*), count(distinct line_id), count(*) filter (
            where line_id = md5('line|' || entry_id)
                and movement_type not like '%top_up')
        from fct_settlement_lines where entry_id in (
            select entry_id from fct_settlement_lines where movement_type like '%top_up')
        """,
    )
    assert pairs == [(10, 10, 5)]


def test_every_redemption_of_others_points_stands_in_the_matrix_at_its_whole_price(
    lake: Path,
) -> None:
    matrix = rows(
        lake,
        """
        select period_month::varchar, issuer_business, redeemer_business, points, amount_fen
        from fct_settlement_matrix where points <> 0 order by all
        """,
    )
    assert matrix == [
        ("2026-10-01", "mall", "hotel", 600, 600),
        ("2026-10-01", "property", "parking", 300, 300),
        ("2026-11-01", "hotel", "mall", 300, 300),
    ]


def test_the_liability_rolls_forward_by_the_month_of_issue(lake: Path) -> None:
    columns = """
        period_month::varchar, issue_month::varchar, opening_points, issued_points, redeemed_points,
        expired_points, clawed_back_points, closing_points, adjusted_points, closing_fen
    """
    mall = rows(
        lake,
        f"""
        select {columns} from fct_points_liability_cohorts where issuer_business = 'mall'
        order by period_month, issue_month
        """,
    )
    assert mall == [
        # R1 is a year old, so its issue is an adjustment.
        ("2026-10-01", "2025-10-01", 0, 1000, 600, 400, 0, 0, 1000, 0),
        ("2026-10-01", "2026-10-01", 0, 4200, 0, 0, 200, 4000, 0, 4000),
        # Of R2 only R5's 1,000 are November's: 4,200 issued and 200 taken back were October's.
        ("2026-11-01", "2026-10-01", 4000, -4200, 0, 0, -200, 0, -4000, 0),
        ("2026-11-01", "2026-11-01", 0, 100, 0, 0, 0, 100, 0, 100),
    ]
    held = rows(
        lake,
        """
        select issuer_business, closing_points, expiring_90_days_points, debt_points
        from fct_points_liability where period_month = date '2026-11-01' order by 1
        """,
    )
    balance = rows(lake, "select sum(balance_points)::bigint from fct_points_balances")
    assert sum(points for _, points, _, _ in held) == balance[0][0]
    # Hotel: of 1,500 for F1, 1,000 - 250 and 300 are taken; F2 gave 150.
    assert {name: points for name, points, _, _ in held if points} == {
        "hotel": 600,
        "mall": 100,
        "parking": 8,
        "property": 1700,
    }


def test_breakage_is_recognised_with_what_is_used(lake: Path) -> None:
    # R1: 1,000 points at 82 % stand for 820 of 100,820 fen: 813 of ¥1,000. 600 are used and none
    # is left, so all of it is revenue. R2: 3,444 of 423,444 fen, 3,416 of ¥4,200, of which 4,000
    # of 4,200 points stay.
    breakage = rows(
        lake,
        """
        select issue_month::varchar, allocated_fen, used_to_date_points, revenue_to_date_fen,
            deferred_fen, rule_id
        from fct_points_breakage
        where issuer_business = 'mall' and period_month = date '2026-10-01' order by 1
        """,
    )
    assert breakage == [
        ("2025-10-01", 813, 600, 813, 0, "breakage/mall/2024-01-01"),
        ("2026-10-01", 3253, 0, 0, 3253, "breakage/mall/2024-01-01"),
    ]
