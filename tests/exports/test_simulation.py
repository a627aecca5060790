"""Two built nights made by hand, compared within 15 January … 28 February 2026, night of 2 March.

As it is: S1 earns 100 points of the mall on 14 January (lot a) and 100 on the 15th (lot b); 10 of
b are clawed back on 1 February, 5 of a expire on the 10th, 40 of a are taken by the hotel on the
28th. G1 earns 50 at the hotel on 1 March. S3 does nothing. X9 is first seen on 1 March.
By other rules a has 110 points, b 200 of which 20 are clawed back, G1 earns 60; S1 is silver from
28 February on, G1 from 1 March on.
A point costs its issuer 1 fen; the hotel gets 0.8 fen for a point of the mall.
"""

import io
import json
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exports.__main__ import main
from exports.simulation import write_simulation
from exports.simulation.sides import Window
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet

WINDOW = Window(date(2026, 1, 15), date(2026, 2, 28), date(2026, 3, 2))
TABLES = """
    create table int_points_entries (
        entry_type varchar, source varchar, account_id varchar, business_date date, points bigint,
        is_reversal boolean, lot_id varchar, issuer_business varchar, settling_business varchar,
        price_date date, rule_id varchar
    );
    create table int_rules__settlement_prices as select * from (values
        ('mall', 'mall', 1000000, 1000000, date '2024-01-01', date '9999-12-31'),
        ('mall', 'hotel', 1000000, 800000, date '2024-01-01', date '9999-12-31'),
        ('hotel', 'hotel', 1000000, 900000, date '2024-01-01', date '9999-12-31'),
        ('hotel', 'mall', 1000000, 700000, date '2024-01-01', date '9999-12-31')
    ) as price(issuer_business, redeemer_business, issue_price_micro_fen,
        reimbursement_price_micro_fen, valid_from_date, valid_until_date);
    create table int_rules__fund as select 'fund' as party;
    create table int_rules__funding as select * from (values
        ('mall', 100, 0, date '2024-01-01', date '9999-12-31'),
        ('hotel', 100, 0, date '2024-01-01', date '9999-12-31')
    ) as funding(issuer_business, deposit_percent, returned_percent, valid_from_date,
        valid_until_date);
    create table int_rules__businesses as select * from (values
        ('mall', '购物中心', '商业公司'), ('hotel', '酒店', '酒店公司')
    ) as business(business, business_name, legal_entity_name);
    create table int_rules__tiers as select * from (values
        ('basic', '普卡', 1, date '2024-01-01'), ('silver', '银卡', 2, date '2024-01-01')
    ) as tier(tier, tier_name, tier_rank, valid_from_date);
    create table int_settlement_lines (
        business_date date, payer_party varchar, payee_party varchar, amount_fen bigint,
        rounding_micro_fen bigint, points bigint
    );
    create table fct_tier_changes (
        member_id varchar, change_number bigint, effective_date date, to_tier varchar,
        is_reversal boolean
    );
    create table dim_member_accounts as select * from (values
        ('pos', 'S1', 'M1', date '2025-01-01'), ('hotel', 'G1', 'M2', date '2026-02-01'),
        ('pos', 'S3', 'M3', null), ('pos', 'X9', 'M9', date '2026-03-01')
    ) as account(source, account_id, member_id, first_seen_date);
"""
ENTRY = "insert into int_points_entries values "
SAME = f"""{ENTRY}
    ('expiry', 'pos', 'S1', '2026-02-10', 5, false, 'a', 'mall', 'mall', '2026-01-14',
     'earn/mall/2024-01-01'),
    ('redemption', 'pos', 'S1', '2026-02-28', 40, false, 'a', 'mall', 'hotel', '2026-02-28',
     'earn/mall/2024-01-01'),
    ('shortfall', 'pos', 'S1', '2026-02-02', 7, false, null, null, 'mall', '2026-01-15', 'memo'),
    ('accrual', 'pos', 'S1', '2026-03-02', 999, false, 'n', 'mall', 'mall', '2026-03-02', 'night');
"""
AS_IT_IS = f"""{SAME} {ENTRY}
    ('accrual', 'pos', 'S1', '2026-01-14', 100, false, 'a', 'mall', 'mall', '2026-01-14',
     'earn/mall/2024-01-01'),
    ('accrual', 'pos', 'S1', '2026-01-15', 100, false, 'b', 'mall', 'mall', '2026-01-15',
     'earn/mall/2024-01-01'),
    ('claw_back', 'pos', 'S1', '2026-02-01', 10, false, 'b', 'mall', 'mall', '2026-01-15',
     'earn/mall/2024-01-01'),
    ('accrual', 'hotel', 'G1', '2026-03-01', 50, false, 'c', 'hotel', 'hotel', '2026-03-01',
     'earn/hotel/2024-01-01');
    insert into int_settlement_lines values
        ('2026-01-15', 'mall', 'fund', 100, 0, 1), ('2026-02-01', 'fund', 'mall', 10, 0, 1),
        ('2026-02-28', 'fund', 'hotel', 32, 0, 1),
        ('2026-02-28', 'fund', 'mall/S1', 999, 0, 0);  -- a voucher of a merchant's customer
"""
# As a rule change is posted: what was posted is taken back, what is derived now is added.
CHANGED = f"""{AS_IT_IS} {ENTRY}
    ('accrual', 'pos', 'S1', '2026-01-14', 10, false, 'a', 'mall', 'mall', '2026-01-14',
     'earn/mall/2024-01-01'),
    ('accrual', 'pos', 'S1', '2026-01-15', 100, true, 'b', 'mall', 'mall', '2026-01-15',
     'earn/mall/2024-01-01'),
    ('accrual', 'pos', 'S1', '2026-01-15', 200, false, 'b', 'mall', 'mall', '2026-01-15',
     'earn/mall/2026-01-15'),
    ('claw_back', 'pos', 'S1', '2026-02-01', 10, false, 'b', 'mall', 'mall', '2026-01-15',
     'earn/mall/2024-01-01'),
    ('accrual', 'hotel', 'G1', '2026-03-01', 10, false, 'c', 'hotel', 'hotel', '2026-03-01',
     'earn/hotel/2024-01-01');
    insert into fct_tier_changes values
        ('M1', 1, '2026-02-01', 'silver', false), ('M1', 1, '2026-02-01', 'silver', true),
        ('M1', 1, '2026-02-28', 'silver', false), ('M2', 1, '2026-03-01', 'silver', false);
"""
# 100 points of a system before this one: the mall takes 30 and the hotel 5, 10 repay a debt.
OPENED = f"""{AS_IT_IS} {ENTRY}
    ('opening_balance', 'hotel', 'G1', '2026-01-20', 100, false, 'opening/o', 'hotel', 'hotel',
     '2026-01-20', 'migration/hotel/2026-01-20'),
    ('debt_repayment', 'hotel', 'G1', '2026-01-20', 10, false, 'opening/o', 'hotel', null,
     '2026-01-20', 'migration/hotel/2026-01-20'),
    ('redemption', 'hotel', 'G1', '2026-02-05', 30, false, 'opening/o', 'hotel', 'mall',
     '2026-02-05', 'migration/hotel/2026-01-20'),
    ('redemption', 'hotel', 'G1', '2026-02-05', 5, false, 'opening/o', 'hotel', 'hotel',
     '2026-02-05', 'migration/hotel/2026-01-20');
    insert into int_settlement_lines values
        ('2026-01-20', 'hotel', 'fund', 10, 0, 1), ('2026-02-05', 'hotel', 'mall', 21, 0, 1);
"""
MULTIPLIER = ("businesses/mall.yml", "points_multiplier_percent")
CHANGES = [(*MULTIPLIER, "2026-01-14", None, "100", "200", "Sheet", "Somebody")]


def built(root: Path, statements: str) -> Lake:
    """A lake whose working folder holds a built night."""
    lake = Lake(root)
    names = ("run_key", "previous_run_key")
    row = {"business_date": WINDOW.night, "previous_date": None, **dict.fromkeys(names, "k")}
    types = [(name, pa.string() if name in names else pa.date32()) for name in row]
    write_parquet(pa.Table.from_pylist([row], pa.schema(types)), lake.tonight)
    with duckdb.connect(str(lake.work / "onemember.duckdb")) as work:
        work.execute(TABLES + statements)
    return lake


def changes_file(folder: Path, rows: list[tuple[str | None, ...]]) -> Path:
    names = ("book", "path", "effect_date", "until_date", "before", "after")
    names += ("source", "approved_by")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    file = folder / "changes.parquet"
    write_parquet(
        pa.Table.from_pylist(found, pa.schema([(name, pa.string()) for name in names])), file
    )
    return file


def simulated(folder: Path, after: str = CHANGED, window: Window = WINDOW) -> Path:
    sides = built(folder / "one", AS_IT_IS), built(folder / "other", after)
    changes = changes_file(folder, CHANGES)
    return write_simulation(*sides, window, changes, folder / "out", "1GB").parent


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("simulation"))


def rows(out: Path, table: str, *names: str) -> list[tuple[Any, ...]]:
    found = pq.read_table(out / "tables" / f"{table}.parquet").to_pylist()
    return [tuple(row[name] for name in names) for row in found]


def triple(name: str) -> tuple[str, str, str]:
    return f"{name}_before", f"{name}_after", f"{name}_difference"


def test_both_ends_of_the_window_are_in_it_and_the_days_beside_them_are_not(out: Path) -> None:
    assert rows(out, "months", "business_month", *triple("awarded_points")) == [
        (date(2026, 1, 1), 100, 200, 100),
        (date(2026, 2, 1), 0, 0, 0),
    ]
    assert rows(out, "months", *triple("redeemed_points")) == [(0, 0, 0), (40, 40, 0)]


def test_what_differs_outside_the_window_stands_apart(out: Path) -> None:
    assert rows(out, "outside", "span", *triple("awarded_points")) == [
        ("earlier", 100, 110, 10),
        ("later", 50, 60, 10),
    ]


def test_points_belong_to_who_gave_them_and_to_where_they_were_taken(out: Path) -> None:
    names = ("awarded_points", "clawed_back_points", "expired_points", "redeemed_points")
    columns = [f"{name}_after" for name in names]
    assert rows(out, "businesses", "business", *columns) == [
        ("hotel", 0, 0, 0, 40),
        ("mall", 200, 20, 5, 0),
    ]
    assert rows(out, "rules", "business", "rule", *triple("awarded_points")) == [
        ("mall", "earn/mall", 100, 200, 100)
    ]


def test_money_is_points_at_the_settlement_prices(out: Path) -> None:
    fen = 1_000_000
    assert rows(out, "businesses", "business", *triple("issue_cost_micro_fen")) == [
        ("hotel", 0, 0, 0),
        ("mall", 90 * fen, 180 * fen, 90 * fen),
    ]
    assert rows(out, "legal_entities", "legal_entity_name", *triple("net_cost_micro_fen")) == [
        ("商业公司", 90 * fen, 180 * fen, 90 * fen),
        ("酒店公司", -32 * fen, -32 * fen, 0),
    ]


def test_what_is_outstanding_includes_lots_from_before_the_window(out: Path) -> None:
    found = rows(out, "liability", "closing_date", "business", *triple("closing_points"))
    # 100 + 100; less 10 + 5 + 40.  110 + 200; less 20 + 5 + 40.
    assert found == [
        (date(2026, 1, 31), "hotel", 0, 0, 0),
        (date(2026, 1, 31), "mall", 200, 310, 110),
        (date(2026, 2, 28), "hotel", 0, 0, 0),
        (date(2026, 2, 28), "mall", 145, 245, 100),
    ]


def test_tiers_are_counted_at_month_ends_of_members_who_were_there(out: Path) -> None:
    found = rows(out, "tier_population", "closing_date", "tier", *triple("member_count"))
    assert found == [
        (date(2026, 1, 31), "basic", 2, 2, 0),
        (date(2026, 1, 31), "silver", 0, 0, 0),
        (date(2026, 2, 28), "basic", 3, 2, -1),
        (date(2026, 2, 28), "silver", 0, 1, 1),
    ]
    assert rows(out, "tier_moves", "tier_before", "tier_after", "member_count") == [
        ("basic", "basic", 2),
        ("basic", "silver", 1),
    ]


@pytest.mark.parametrize(("last", "silver"), [(date(2026, 2, 27), 0), (date(2026, 3, 1), 2)])
def test_a_tier_counts_from_its_first_day_on(tmp_path: Path, last: date, silver: int) -> None:
    out = simulated(tmp_path, window=Window(WINDOW.first, last, WINDOW.night))
    assert rows(out, "tier_population", "member_count_after")[-1] == (silver,)


def test_members_who_differ_are_listed_and_all_are_counted(out: Path) -> None:
    # 200 − 20 − 5 − 40 = 135 instead of 100 − 10 − 5 − 40 = 45.
    assert rows(out, "members", "member_id", "tier_after", *triple("net_points")) == [
        ("M1", "silver", 45, 135, 90)
    ]
    counted = rows(out, "distribution", "least_points", "most_points", "member_count")
    assert [row for row in counted if row[2]] == [(0, 0, 2), (1, 99, 1)]
    assert [row[:2] for row in counted] == [
        (None, -10000),
        (-9999, -1000),
        (-999, -100),
        (-99, -1),
        (0, 0),
        (1, 99),
        (100, 999),
        (1000, 9999),
        (10000, None),
    ]


def test_the_page_says_what_it_is_and_needs_nothing_from_elsewhere(out: Path) -> None:
    page = (out / "simulation.html").read_text(encoding="utf-8")
    assert "规则试算　2026-01-15 至 2026-02-28" in page
    assert '<span class="badge trial">试算，未发布</span>' in page
    assert "其中 1 项在窗口之前已生效" in page
    assert page.count("<svg") == 6
    assert "http" not in page
    assert "✗" not in page


def test_the_manifest_names_every_file_and_says_that_nothing_is_published(out: Path) -> None:
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["export"] == "simulation"
    assert manifest["is_published"] is False
    listed = {entry["name"] for entry in manifest["files"]} | {"manifest.json"}
    assert listed == {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    text = (out / "tables" / "businesses.csv").read_text(encoding="utf-8-sig")
    assert text.startswith("业态代码,业态,法人主体,发放积分之前,发放积分之后,发放积分差异,")


def test_a_night_against_itself_differs_in_nothing(tmp_path: Path) -> None:
    out = simulated(tmp_path, AS_IT_IS)
    for path in sorted((out / "tables").glob("*.parquet")):
        table = pq.read_table(path)
        for name in table.column_names:
            if name.endswith("_difference"):
                assert set(table[name].to_pylist()) <= {0}, f"{path.name} {name}"
    assert rows(out, "members", "member_id") == []


def test_the_same_again_replaces_the_folder_by_the_same_bytes(tmp_path: Path) -> None:
    out = simulated(tmp_path)
    first = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (out / "tables" / "left.csv").write_text("of an earlier version")
    sides = Lake(tmp_path / "one"), Lake(tmp_path / "other")
    write_simulation(*sides, WINDOW, tmp_path / "changes.parquet", out, "1GB")
    assert {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()} == first


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    with pytest.raises(Problem, match="holds something else"):
        simulated(tmp_path)
    assert (tmp_path / "out" / "letter.txt").read_text() == "dear"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update int_points_entries set entry_type = 'gift' where lot_id = 'c'", "type 'gift'"),
        ("delete from int_rules__settlement_prices where issuer_business = 'hotel'", "no settle"),
        ("delete from int_rules__businesses where business = 'mall'", "发放积分之前 按业态 is"),
    ],
)
def test_an_entry_that_cannot_be_placed_stops_the_comparison(
    tmp_path: Path, change: str, said: str
) -> None:
    one, other = (
        built(tmp_path / "one", f"{AS_IT_IS}; {change}"),
        built(tmp_path / "other", f"{CHANGED}; {change}"),
    )
    with pytest.raises(Problem, match=said):
        write_simulation(one, other, WINDOW, changes_file(tmp_path, []), tmp_path / "out", "1GB")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_an_account_without_a_member_does_not_vanish_from_the_sums(tmp_path: Path) -> None:
    lost = f"{CHANGED}; delete from dim_member_accounts where account_id = 'S1'"
    out = simulated(tmp_path, lost)
    assert (None, 200) in rows(out, "members", "member_id", "awarded_points_after")


def test_the_command_prints_where_the_page_is_and_tells_programs_what_lies_there(
    tmp_path: Path,
) -> None:
    one, other = built(tmp_path / "one", AS_IT_IS), built(tmp_path / "other", CHANGED)
    places = ["--before", str(one.root), "--after", str(other.root), "--out", str(tmp_path / "out")]
    dates = ["--date", "2026-03-02", "--from", "2026-01-15", "--to", "2026-02-28"]
    told = io.StringIO()
    with redirect_stdout(told):
        file = str(changes_file(tmp_path, CHANGES))
        assert main(["simulation", *places, *dates, "--rules", file]) == 0
    assert told.getvalue().splitlines()[-1] == str(tmp_path / "out" / "simulation.html")
    with redirect_stdout(io.StringIO()) as printed:
        assert main(["simulation", *places, *dates, "--rules", file, "--json"]) == 0
    said = json.loads(printed.getvalue())
    assert (said["folder"], said["page"]) == (str(tmp_path / "out"), "simulation.html")
    assert (said["from_date"], said["is_published"]) == ("2026-01-15", False)


def test_points_of_opening_lots_cost_their_issuer_what_others_are_paid_for_them(
    tmp_path: Path,
) -> None:
    # As without them, the mall pays 100 - 10 and the hotel is paid 32. Then the hotel pays the mall
    # 30 x 0.7 = 21 and the fund 10; what it takes itself costs nobody anything.
    sides = built(tmp_path / "one", OPENED), built(tmp_path / "other", AS_IT_IS)
    changes = changes_file(tmp_path, CHANGES)
    out = write_simulation(*sides, WINDOW, changes, tmp_path / "out", "1GB").parent
    fen = 1_000_000
    assert rows(out, "businesses", "business", *triple("net_cost_micro_fen")) == [
        ("hotel", -1 * fen, -32 * fen, -31 * fen),
        ("mall", 69 * fen, 90 * fen, 21 * fen),
    ]


def test_what_was_not_deposited_for_a_lot_costs_its_issuer_when_it_is_taken(tmp_path: Path) -> None:
    # The mall deposits 40 % from 15 January on, the day of lot b: 100 - 10 cost it 36. Of b the
    # hotel takes 10 at 0.8, of which the mall pays 60 %, 4.8, and 20 lapse: half of their deposit
    # returns, 4. Lot a was paid for as before: the hotel is paid 32 for 40 of it, by the fund.
    hybrid = f"""{AS_IT_IS}
        update int_rules__funding set valid_until_date = '2026-01-15'
            where issuer_business = 'mall';
        insert into int_rules__funding values ('mall', 40, 50, '2026-01-15', '9999-12-31');
        {ENTRY}
        ('redemption', 'pos', 'S1', '2026-02-05', 10, false, 'b', 'mall', 'hotel',
         '2026-02-05', 'r'),
        ('expiry', 'pos', 'S1', '2026-02-20', 20, false, 'b', 'mall', 'mall', '2026-01-15', 'r');
    """
    sides = built(tmp_path / "one", hybrid), built(tmp_path / "other", AS_IT_IS)
    changes = changes_file(tmp_path, CHANGES)
    out = write_simulation(*sides, WINDOW, changes, tmp_path / "out", "1GB").parent
    fen = 1_000_000
    assert rows(out, "businesses", "business", *triple("net_cost_micro_fen")) == [
        ("hotel", -40 * fen, -32 * fen, 8 * fen),
        ("mall", 36_800_000, 90 * fen, 53_200_000),
    ]
