"""Two built nights side by side, made by hand: what is listed, what is totalled, what is printed.

January is closed. S1 has 100 points of the mall since 2 January; G1 earned 100 at the hotel on the
5th and spent 40 of S1's. As it is, both are M1: 60 + 100 = 160 points. After the change G1 is M2:
the 40 points are M2's debt, repaid from its 100, so M2 has 60 and M1 has 100, together still 160.
The fund takes back the ¥0.40 that the hotel got for S1's points, and pays ¥0.45 for the debt.
M3's 3 points fall due in either night.
"""

import io
import json
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from exports.__main__ import main
from exports.compare import (
    LISTED_ROWS,
    Comparison,
    Section,
    Total,
    compare_nights,
    print_comparison,
)
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet

NIGHT = date(2026, 2, 1)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
TABLES = """
    create table dim_member_accounts (source varchar, account_id varchar, member_id varchar);
    create table fct_points_balances (
        member_id varchar, issued_points bigint, redeemed_points bigint, expired_points bigint,
        clawed_back_points bigint, balance_points bigint, debt_points bigint
    );
    create table fct_points_lots (
        lot_id varchar, member_id varchar, source varchar, account_id varchar,
        issuer_business varchar, earned_on_date date, issued_points bigint,
        remaining_points bigint
    );
    create table dim_member_tiers (member_id varchar, tier varchar, growth_value bigint);
    create table fct_points_entries (
        entry_id varchar, posted_date date, business_date date, entry_type varchar, points bigint,
        is_reversal boolean, member_id varchar, lot_id varchar, issuer_business varchar
    );
    create table fct_tier_changes (
        posted_date date, member_id varchar, effective_date date, from_tier varchar,
        to_tier varchar, reason varchar, growth_value bigint, period_end_date date,
        is_reversal boolean
    );
    create table fct_settlement_lines (
        line_id varchar, posted_date date, period_month date, origin_month date,
        payer_party varchar, payee_party varchar, amount_fen bigint
    );
    create table fct_settlement_balances (period_month date, party varchar, closing_fen bigint);
    create table fct_invariants (invariant varchar, violation_count bigint);
    insert into fct_invariants values ('I1', 0), ('I2', 0);
    insert into fct_settlement_balances values
        ('2026-01-01', 'mall', -100), ('2026-01-01', 'hotel', -60), ('2026-01-01', 'fund', 160);
    insert into fct_points_entries values
        ('old', '2026-01-05', '2026-01-05', 'accrual', 100, false, 'M1', 's1', 'mall');
"""
AS_IT_IS = """
    insert into dim_member_accounts values ('pos', 'S1', 'M1'), ('hotel', 'G1', 'M1');
    insert into fct_points_balances values ('M1', 200, 40, 0, 0, 160, 0), ('M3', 0, 0, 0, 0, 0, 0);
    insert into fct_points_lots values
        ('s1', 'M1', 'pos', 'S1', 'mall', '2026-01-02', 100, 60),
        ('g1', 'M1', 'hotel', 'G1', 'hotel', '2026-01-05', 100, 100),
        ('x1', 'M3', 'pos', 'X1', 'mall', '2026-01-05', 7, 7);
    insert into dim_member_tiers values ('M1', 'silver', 5100), ('M3', 'basic', 7);
    insert into fct_settlement_balances values
        ('2026-02-01', 'mall', -100), ('2026-02-01', 'hotel', -60), ('2026-02-01', 'fund', 160);
    insert into fct_points_entries values
        ('due', '2026-02-01', '2026-02-01', 'expiry', 3, false, 'M3', 'x0', 'mall');
"""
CHANGED = """
    insert into dim_member_accounts values ('pos', 'S1', 'M1'), ('hotel', 'G1', 'M2');
    insert into fct_points_balances values
        ('M1', 100, 0, 0, 0, 100, 0), ('M2', 100, 40, 0, 0, 60, 0), ('M3', 0, 0, 0, 0, 0, 0);
    insert into fct_points_lots values
        ('s1', 'M1', 'pos', 'S1', 'mall', '2026-01-02', 100, 100),
        ('g1', 'M2', 'hotel', 'G1', 'hotel', '2026-01-05', 100, 60),
        ('x1', 'M3', 'pos', 'X1', 'mall', '2026-01-05', 7, 7);
    insert into dim_member_tiers values
        ('M1', 'basic', 100), ('M2', 'silver', 5000), ('M3', 'basic', 7);
    insert into fct_settlement_balances values
        ('2026-02-01', 'mall', -100), ('2026-02-01', 'hotel', -55), ('2026-02-01', 'fund', 155);
    insert into fct_points_entries values
        ('due', '2026-02-01', '2026-02-01', 'expiry', 3, false, 'M3', 'x0', 'mall'),
        ('e1', '2026-02-01', '2026-01-05', 'redemption', 40, true, 'M1', 's1', 'mall'),
        ('e2', '2026-02-01', '2026-01-05', 'redemption_debt', 40, false, 'M2', null, 'debt'),
        ('e3', '2026-02-01', '2026-01-05', 'debt_repayment', 40, false, 'M2', 'g1', 'hotel');
    insert into fct_tier_changes values
        ('2026-02-01', 'M1', '2026-01-06', 'basic', 'silver', 'upgrade', 5100, '2027-01-05', true),
        ('2026-02-01', 'M2', '2026-01-06', 'basic', 'silver', 'upgrade', 5000, '2027-01-05', false);
    insert into fct_settlement_lines values
        ('l1', '2026-02-01', '2026-02-01', '2026-01-01', 'hotel', 'fund', 40),
        ('l2', '2026-02-01', '2026-02-01', '2026-01-01', 'fund', 'hotel', 45);
"""


def built(root: Path, statements: str, night: date = NIGHT) -> Lake:
    """A lake whose working folder holds a built night; January is closed in it."""
    lake = Lake(root)
    names = ("run_key", "previous_run_key")
    row = {"business_date": night, "previous_date": None, **dict.fromkeys(names, "k")}
    types = [(name, pa.string() if name in names else pa.date32()) for name in row]
    write_parquet(pa.Table.from_pylist([row], pa.schema(types)), lake.tonight)
    write_parquet(pa.table({"period_month": [JANUARY]}), lake.close("2026-01"))
    with duckdb.connect(str(lake.work / "onemember.duckdb")) as work:
        work.execute(TABLES + statements)
    return lake


@pytest.fixture
def lakes(tmp_path: Path) -> tuple[Lake, Lake]:
    return built(tmp_path / "before", AS_IT_IS), built(tmp_path / "after", CHANGED)


@pytest.fixture
def comparison(lakes: tuple[Lake, Lake]) -> Comparison:
    return compare_nights(*lakes, NIGHT, "1GB")


def section(comparison: Comparison, word: str) -> list[tuple[Any, ...]]:
    (found,) = [each.rows for each in comparison.sections if word in each.title]
    return list(found)


def test_only_accounts_and_members_that_differ_are_listed(comparison: Comparison) -> None:
    assert section(comparison, "账户归属") == [("hotel", "G1", "M1", "M2")]
    assert section(comparison, "积分余额") == [
        ("M1", 160, 100, -60, 0, 0),
        ("M2", None, 60, 60, None, 0),
    ]
    assert section(comparison, "会员等级") == [
        ("M1", "silver", "basic", 5100, 100),
        ("M2", None, "silver", None, 5000),
    ]


def test_lots_are_those_that_move_or_that_an_entry_changes(comparison: Comparison) -> None:
    assert [(row[0], *row[5:]) for row in section(comparison, "积分批次")] == [
        ("g1", "M1", "M2", 100, 100, 100, 60),
        ("s1", "M1", "M1", 100, 100, 60, 100),
    ]


def test_what_both_nights_post_is_no_difference(comparison: Comparison) -> None:
    assert section(comparison, "积分分录") == [
        (JANUARY, "debt_repayment", "hotel", 1, 40),
        (JANUARY, "redemption", "mall", 1, -40),
        (JANUARY, "redemption_debt", "debt", 1, 40),
    ]


def test_a_tier_change_says_which_of_the_nights_posts_it(comparison: Comparison) -> None:
    changes = section(comparison, "等级变动")
    assert [(row[0], row[1], row[-1]) for row in changes] == [
        ("after", "M1", True),
        ("after", "M2", False),
    ]


def test_settlement_is_netted_by_party_and_names_its_closed_month(comparison: Comparison) -> None:
    assert section(comparison, "结算差额") == [
        (FEBRUARY, JANUARY, "fund", 2, -5),
        (FEBRUARY, JANUARY, "hotel", 2, 5),
    ]
    assert section(comparison, "已关账期间") == [(JANUARY, 3, 2, FEBRUARY)]


def test_a_month_before_the_last_closed_one_is_closed_too(
    lakes: tuple[Lake, Lake], tmp_path: Path
) -> None:
    history = "update fct_points_entries set business_date = '2025-12-31' where entry_id = 'e1'"
    after = built(tmp_path / "history", f"{CHANGED}; {history}")
    found = compare_nights(lakes[0], after, NIGHT, "1GB")
    december = date(2025, 12, 1)
    assert section(found, "已关账期间") == [(december, 1, 0, FEBRUARY), (JANUARY, 2, 2, FEBRUARY)]


def test_the_other_way_round_every_difference_has_the_other_sign(
    lakes: tuple[Lake, Lake],
) -> None:
    turned = compare_nights(lakes[1], lakes[0], NIGHT, "1GB")
    assert section(turned, "账户归属") == [("hotel", "G1", "M2", "M1")]
    assert [row[-1] for row in section(turned, "积分分录")] == [-40, 40, -40]
    assert [row[-1] for row in section(turned, "结算差额")] == [5, -5]
    assert {row[0] for row in section(turned, "等级变动")} == {"before"}


def test_a_night_against_itself_differs_in_nothing(lakes: tuple[Lake, Lake]) -> None:
    same = compare_nights(lakes[0], lakes[0], NIGHT, "1GB")
    assert [each.title for each in same.sections if each.rows] == []
    assert {total.value for total in same.totals} == {0}


def test_points_move_between_members_and_none_appear(comparison: Comparison) -> None:
    assert comparison.is_kept
    assert {total.value for total in comparison.totals} == {0}


@pytest.mark.parametrize(
    ("change", "word", "value"),
    [
        ("update fct_points_balances set balance_points = 61 where member_id = 'M2'", "未解释", 1),
        (
            """update fct_settlement_balances set closing_fen = 156
            where party = 'fund' and period_month = '2026-02-01'""",
            "各方结算合计",
            1,
        ),
        (
            """update fct_settlement_balances set closing_fen = 161
            where party = 'fund' and period_month = '2026-01-01'""",
            "已关账月份的变化",
            1,
        ),
        ("update fct_invariants set violation_count = 2 where invariant = 'I2'", "不变式", 2),
    ],
)
def test_a_total_that_must_be_zero_and_is_not_ends_with_an_error(
    tmp_path: Path, change: str, word: str, value: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = built(tmp_path / "before", AS_IT_IS)
    after = built(tmp_path / "after", f"{CHANGED}; {change}")
    comparison = compare_nights(before, after, NIGHT, "1GB")
    (total,) = [total for total in comparison.totals if word in total.title]
    assert total == Total(total.name, total.title, value, 0)
    assert not comparison.is_kept
    places = ["--before", str(before.root), "--after", str(after.root)]
    with pytest.raises(Problem, match="the changed night would be refused"):
        main(["compare", "--date", str(NIGHT), *places])
    assert "must be" in capsys.readouterr().out


def test_the_table_says_what_was_and_what_comes_in_words_and_numbers(
    lakes: tuple[Lake, Lake],
) -> None:
    before, after = lakes
    with redirect_stdout(io.StringIO()) as screen:
        places = ["--before", str(before.root), "--after", str(after.root)]
        assert main(["compare", "--date", str(NIGHT), *places]) == 0
    lines = [" ".join(line.split()) for line in screen.getvalue().splitlines()]
    assert "账户归属 accounts that change hands: 1" in lines
    assert "│ hotel │ G1 │ M1 → M2 │" in lines
    assert "│ M1 │ 160 → 100 │ -60 │ 0 │" in lines
    assert "│ M1 │ silver → basic │ 5,100 → 100 │" in lines
    assert "│ 2026-02-01 │ 2026-01-01 │ hotel │ 2 │ +5 │" in lines
    assert "│ 各方结算合计 settlement over all parties in each month, fen │ 0 │ 0 │" in lines


def test_a_program_gets_every_list_and_total_by_a_name(lakes: tuple[Lake, Lake]) -> None:
    before, after = lakes
    with redirect_stdout(io.StringIO()) as printed:
        places = ["--before", str(before.root), "--after", str(after.root), "--json"]
        assert main(["compare", "--date", str(NIGHT), *places]) == 0
    told = json.loads(printed.getvalue())
    assert (told["business_date"], told["is_kept"]) == (str(NIGHT), True)
    assert told["accounts"] == [
        {
            "source": "hotel", "account_id": "G1", "member_id_before": "M1",
            "member_id_after": "M2",
        }
    ]  # fmt: skip
    (one,) = [row for row in told["balances"] if row["member_id"] == "M1"]
    assert (one["balance_points_before"], one["balance_points_after"]) == (160, 100)
    settled = [row for row in told["totals"] if row["figure"] == "settled_fen"]
    assert settled == [{"figure": "settled_fen", "difference": 0, "must_be": 0}]


def test_of_a_long_list_the_first_rows_are_printed_and_all_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tuple((f"[{number}]", number) for number in range(LISTED_ROWS + 1))
    many = Section("lots", "积分批次 lots", ("lot_id", "issued_points"), rows)
    print_comparison(Comparison(NIGHT, (many,), ()))
    said = capsys.readouterr().out
    assert "积分批次 lots: 201\n" in said
    assert "│ [199]  │" in said
    assert "[200]" not in said
    assert "\n… 1 more\n" in said


def test_nights_of_two_dates_are_not_compared(lakes: tuple[Lake, Lake], tmp_path: Path) -> None:
    other = built(tmp_path / "other", CHANGED, date(2026, 2, 2))
    with pytest.raises(Problem, match="the open night is 2026-02-02, not 2026-02-01"):
        compare_nights(lakes[0], other, NIGHT, "1GB")
