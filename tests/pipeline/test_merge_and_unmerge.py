"""A closed month, a merge and an unmerge, after the worked example (test_worked_example.py).

`never` is one night, 20 Nov. It gets what 10 Nov delivers late:
        R6  王芳, 31 Oct, ¥100.00. She was silver that day: 100 x 120 % = 120 points.
        R7  ¥50.00 of R2 refunded on 31 Oct: 50 points back.
        PS2 李强 parks on 10 Nov, ¥8.00 and 2,000 points. He has 700 + 8: 1,292 are debt, of which
            the 8 points that he earns repay 8.
        October is closed. So November settles R6 and R7: the mall pays ¥1.20 and gets ¥0.50.
`parted` is two nights with the same deliveries. On 10 Nov somebody has decided that 王芳 and 李强
are one person, on 20 Nov that they are not. In between they are:
        The upgrade of 30 Oct rests on 6,208 growth. R4, R7 and R5 leave 4,958, but their own window
        on 1 Nov holds 2,950 + 1,000 + 100 + 1,000 + 8 = 5,058: silver stays. PS1 takes its 300
        from R1, of which only 100 expire then. PS2 finds 2,950 + 120 + 1,800 + 1,000 + 8 = 5,878
        points, so there is no debt, and earns 8 x 120 % = 9.6 -> 9.
"""

import csv
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
from tests.pipeline.nights import copied, must_run
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

MERGED, PARTED = date(2026, 11, 10), date(2026, 11, 20)
PAIR = ["pos:10000001", "property:KH1", "--by", "LiMei", "--why", "asked at the desk"]
STATEMENTS = Path("outbox") / "statements" / "2026-10"


def deliveries() -> Mapping[str, Mapping[str, list[dict[str, Any]]]]:
    """What 10 November delivers, by source and table."""
    noon = datetime(2026, 10, 31, 12, 0)
    sales = [
        worked_example.sale("R6", "10000001", noon, 10_000),
        worked_example.sale("R7", "10000001", noon, -5_000, original="R2"),
    ]
    session = {
        "session_no": "PS2",
        "lot_no": "L1",
        "plate_no": "沪A12345",
        "entered_at": datetime(2026, 11, 10, 9, 0),
        "exited_at": datetime(2026, 11, 10, 11, 0),
    }
    payment = {
        "payment_no": "PP2",
        "session_no": "PS2",
        "paid_at": datetime(2026, 11, 10, 10, 59),
        "paid_fen": 800,
        "points_used": 2_000,
    }
    tenders = [worked_example.tender("R6", 10_000), worked_example.tender("R7", -5_000)]
    return {
        "pos": {"sales": sales, "tenders": tenders},
        "parking": {"sessions": [session], "payments": [payment]},
    }


def run_night(lake: Path, night: date, *business_dates: date) -> None:
    """Deliver and run one night."""
    project = load_settings({}).dbt_project
    for business_date in business_dates:
        by_source = deliveries() if business_date == MERGED else {}
        for name in source_names(project):
            tables = {table: pl.DataFrame(each) for table, each in by_source.get(name, {}).items()}
            source = load_source(project, name)
            write_delivery(Lake(lake), source, business_date, tables, night=night)
    must_run(lake, "dags", "run", "--date", night.isoformat())


@pytest.fixture(scope="module")
def never(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = copied(worked_lake, tmp_path_factory.mktemp("never"))
    run_night(lake, PARTED, MERGED, PARTED)
    return lake


@pytest.fixture(scope="module")
def nights(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The publication while the two were one, and the lake after they were parted."""
    folder = tmp_path_factory.mktemp("parted")
    lake = copied(worked_lake, folder)
    must_run(lake, "identity_resolution", "decide", "must-link", *PAIR)
    run_night(lake, MERGED, MERGED)
    together = folder / "together"
    shutil.copytree(lake / "published", together / "published", symlinks=True)
    must_run(lake, "identity_resolution", "decide", "withdraw", *PAIR)
    run_night(lake, PARTED, PARTED)
    return together, lake


@pytest.fixture(scope="module")
def together(nights: tuple[Path, Path]) -> Path:
    return nights[0]


@pytest.fixture(scope="module")
def parted(nights: tuple[Path, Path]) -> Path:
    return nights[1]


# A member by their accounts, because ids say who was first, not who somebody is.
PEOPLE = """
    with people as (
        select member_id, string_agg(source || ':' || account_id, ' ' order by all) as person
        from dim_member_accounts group by member_id
    )
"""
SIGNED = "sum(case when is_reversal then -points else points end)::bigint"
TRUTH = {
    "points entries, each less what took it back": f"""
        select entry_type, source, account_id, activity_id, lot_id, parent_lot_id, business_date,
            issuer_business, redeemer_business, price_date, expires_on_date, release_on_date,
            rule_id, {SIGNED} as points
        from fct_points_entries group by all having {SIGNED} <> 0 order by all
    """,
    "lots": PEOPLE
    + """
        select person, lots.* exclude (member_id)
        from fct_points_lots as lots inner join people using (member_id) order by all
    """,
    "balances": PEOPLE
    + """
        select person, balances.* exclude (member_id)
        from fct_points_balances as balances inner join people using (member_id) order by all
    """,
    "tiers": PEOPLE
    + """
        select person, tiers.* exclude (member_id)
        from dim_member_tiers as tiers inner join people using (member_id) order by all
    """,
    "tier changes, each less what took it back": PEOPLE
    + """
        select person, change_number, effective_date, from_tier, to_tier, reason, growth_value,
            period_end_date, sum(case when is_reversal then -1 else 1 end) as times
        from fct_tier_changes inner join people using (member_id)
        group by all having times <> 0 order by all
    """,
    "benefits": PEOPLE
    + """
        select person, benefits.* exclude (member_id)
        from fct_member_entitlements as benefits inner join people using (member_id) order by all
    """,
    "outcomes": PEOPLE
    + """
        select person, outcomes.* exclude (member_id)
        from fct_rating_outcomes as outcomes left join people using (member_id) order by all
    """,
    "settlement by the month in which it happened": """
        select origin_month, party, sum(fen)::bigint as net_fen
        from (
            select origin_month, payee_party as party, amount_fen as fen from fct_settlement_lines
            union all
            select origin_month, payer_party, -amount_fen from fct_settlement_lines
        ) group by all order by all
    """,
    "what each party is owed at each month's end": """
        select period_month, party, opening_fen, closing_fen from fct_settlement_balances
        order by all
    """,
}


@pytest.mark.parametrize("what", TRUTH)
def test_who_was_merged_and_parted_again_is_as_if_never_merged(
    never: Path, parted: Path, what: str
) -> None:
    assert rows(parted, TRUTH[what]) == rows(never, TRUTH[what])


@pytest.mark.parametrize("what", [name for name in TRUTH if "month's end" not in name])
def test_as_long_as_they_are_one_each_of_these_says_something_else(
    never: Path, together: Path, what: str
) -> None:
    """Otherwise the comparison above would prove nothing."""
    assert rows(together, TRUTH[what]) != rows(never, TRUTH[what])


def test_together_they_are_one_silver_member_who_owes_nothing(together: Path) -> None:
    balance = rows(
        together,
        "select balance_points, debt_points, redeemed_points, tier from fct_points_balances"
        " inner join dim_member_tiers using (member_id)",
    )
    assert balance == [(5_878 - 2_000 + 9, 0, 600 + 300 + 2_000, "silver")]


def test_apart_what_one_spent_of_the_other_is_debt(parted: Path) -> None:
    balances = rows(
        parted,
        "select account_id, balance_points, debt_points, tier"
        " from fct_points_balances inner join dim_member_accounts using (member_id)"
        " inner join dim_member_tiers using (member_id)"
        " where account_id in ('10000001', 'KH1') order by all",
    )
    apart = [("10000001", 2_950 + 1_800 + 120, 0, "basic"), ("KH1", -1_284, 1_284, "basic")]
    assert balances == apart


def test_what_happened_in_a_closed_month_is_posted_in_the_open_one_with_its_own_date(
    never: Path,
) -> None:
    entries = rows(
        never,
        "select business_date::varchar, entry_type, points, is_reversal from fct_points_entries"
        " where posted_date = '2026-11-20' and business_date < '2026-11-01' order by all",
    )
    assert entries == [
        ("2026-10-31", "accrual", 120, False),
        ("2026-10-31", "claw_back", 50, False),
    ]
    lines = rows(
        never,
        "select movement_type, payer_party, payee_party, amount_fen, tax_fen"
        " from fct_settlement_lines where origin_month = '2026-10-01'"
        " and posted_date = '2026-11-20' and period_month = '2026-11-01' order by all",
    )
    # 6 % tax within: 1,902 of R2's commission of 33,600, and after R7's refund 1,879 of 33,200.
    # The refund of 1,600 later that day now leaves 1,789 of 31,600: it takes 90 back, not the 91
    # that October says (1,902 - 1,811 of 32,000). That one fen of tax is a line of its own.
    assert lines == [
        ("accrual", "mall", "fund", 120, 0),
        ("channel_fee", "mall/S1", "mall", 60, 3),
        ("channel_fee_refund", "mall", "mall/S1", 30, 2),
        ("claw_back", "fund", "mall", 50, 0),
        ("commission", "mall/S1", "mall", 800, 45),
        ("commission_refund", "mall", "mall/S1", 400, 23),
        ("commission_refund", "mall/S1", "mall", 0, 1),
        ("sale", "mall", "mall/S1", 10_000, 0),
        ("sale_refund", "mall/S1", "mall", 5_000, 0),
    ]


def test_what_is_taken_back_says_why(never: Path, parted: Path) -> None:
    """The tax of the later refund of 31 October goes back because R7 came before it. What the two
    had as one person goes there on the 10th and back on the 20th.
    """
    reasons = (
        "select distinct posted_date::varchar, reversal_reason from fct_settlement_lines"
        " where is_reversal and posted_date >= '2026-11-10' order by all"
    )
    assert rows(never, reasons) == [("2026-11-20", "later_fact")]
    changed = [row for row in rows(parted, reasons) if row[1] != "later_fact"]
    assert changed == [("2026-11-10", "member_changed"), ("2026-11-20", "member_changed")]


@pytest.mark.parametrize(
    ("party", "opening", "receivable", "payable", "closing"),
    [
        # Of the merchant 8.60 charges and 50.00 refunded; 100.00 passed on and 4.30 charges back.
        ("mall", -471_139, 101_050 + 860 + 5_000, 8_720 + 10_000 + 430, -383_379),
        ("mall/S1", 466_139, 8_600 + 10_430, 100_000 + 5_860, 379_309),
        ("hotel", -1_200, 0, 0, -1_200),
        ("property", -1_000, 0, 0, -1_000),
        ("parking", 292, 2_000, 8, 2_284),
        ("fund", 6_908, 120 + 8, 1_000 + 50 + 2_000, 3_986),
    ],
)
def test_the_open_month_settles_it_and_the_closed_one_says_what_it_said(
    never: Path, worked_lake: Path, party: str, opening: int, receivable: int, payable: int,
    closing: int,
) -> None:  # fmt: skip
    balances = "select opening_fen, receivable_fen, payable_fen, closing_fen"
    balances += f" from fct_settlement_balances where party = '{party}' and period_month = "
    assert rows(never, f"{balances} '2026-11-01'") == [(opening, receivable, payable, closing)]
    october = f"{balances} '2026-10-01'"
    assert rows(never, october) == rows(worked_lake, october)


@pytest.mark.parametrize("lake", ["never", "parted"])
def test_the_closed_statements_keep_every_byte(
    worked_lake: Path, lake: str, request: pytest.FixtureRequest
) -> None:
    def files(root: Path) -> dict[str, bytes]:
        folder = root / STATEMENTS
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    closed = files(worked_lake)
    assert len(closed) > 5
    assert files(request.getfixturevalue(lake)) == closed


def closed_lines(lake: Path, party: str) -> dict[str, int]:
    """Amounts of the lines of a party's closed statement, by line id."""
    (file,) = [path for path in (lake / STATEMENTS / party).glob("*.csv") if "明细" in path.name]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return {row["结算行号"]: int(row["净额（分）"]) for row in csv.DictReader(opened)}


def test_an_adjustment_names_the_line_of_the_closed_statement_that_it_corrects(
    never: Path,
) -> None:
    adjustments = rows(
        never,
        "select movement_type, amount_fen, corrects, corrected_amount_fen,"
        " corrected_period_month::varchar, corrected_line_id from settlement_adjustments"
        " where posted_date = '2026-11-20' order by movement_type, amount_fen",
    )
    assert [row[:4] for row in adjustments] == [
        ("accrual", 120, "nothing_posted_before", None),
        ("channel_fee", 60, "nothing_posted_before", None),
        ("channel_fee_refund", 30, "reversed_activity", 2_520),  # 0.6 % of R2's 4,200.00
        ("claw_back", 50, "reversed_activity", 4_200),
        ("commission", 800, "nothing_posted_before", None),
        ("commission_refund", 0, "same_entry", 1_600),  # its fen of tax
        ("commission_refund", 400, "reversed_activity", 33_600),
        ("sale", 10_000, "nothing_posted_before", None),
        ("sale_refund", 5_000, "reversed_activity", 420_000),
    ]
    assert {row[4] for row in adjustments} == {None, "2026-10-01"}
    closed = closed_lines(never, "mall")
    assert closed[adjustments[3][5]] == -4_200
    assert closed[adjustments[8][5]] == -420_000


def test_an_adjustment_that_a_merge_made_is_taken_back_by_one_that_names_it(parted: Path) -> None:
    taken_back = rows(
        parted,
        "select movement_type, corrects, corrected_period_month::varchar, count(*)"
        " from settlement_adjustments where posted_date = '2026-11-20' and is_reversal"
        " group by all order by all",
    )
    assert {(corrects, month) for _, corrects, month, _ in taken_back} <= {
        ("same_entry", "2026-11-01")
    }
