"""The demo group: what it hands over, and that it hands over the same again."""

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingest.core.contract import Source, Table, load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import create_demo_keys
from ingest.core.settings import Settings, load_settings
from ingest.demo import main
from ingest.demo.deliveries import make_deliveries
from ingest.demo.files import DemoLake
from ingest.demo.parking import fees
from ingest.demo.trade_bill import fee_of
from ingest.demo.wallet import Wallet
from ingest.demo.world import Group, shares_of
from ingest.gate import gate
from ingest.load import load
from ingest.normalise import id_document, mobile, plate

SOURCES = source_names(load_settings().dbt_project)
BILLS = ("payments", "splits")  # of the channel; they end with their own summary
SYSTEMS = tuple(source for source in SOURCES if source not in BILLS)  # the first of each business
NIGHTS = (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1))
SMALL = ["--people", "400", "--from", "2026-10-30", "--history-days", "30"]
LARGER = ["--people", "4000", "--from", "2026-10-30", "--history-days", "60", "--nights", "3"]
DBT_PROJECT = load_settings().dbt_project
Row = dict[str, Any]


def digests(root: Path, *folders: str) -> dict[str, str]:
    paths = [path for folder in folders for path in (root / folder).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }


def contract(source: str) -> Source:
    return load_source(DBT_PROJECT, source)


def rows_of(lake: Path, source: str, name: str, day: date) -> list[Row]:
    """Rows of a delivered file by contract name, read without the platform's help."""
    table = contract(source).table(name)
    path = Lake(lake).landing(source, day) / table.file_name(day)
    if table.format == "parquet":
        return [parquet_row(table, row) for row in pq.read_table(path).to_pylist()]
    text = path.read_bytes().decode(table.encoding or "")
    if table.format == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    names = {column.header: column.name for column in table.columns}
    if source in BILLS:  # a sign before each value, and two lines of summary at the end
        lines = text.splitlines(keepends=True)
        text = "".join(lines[:-2]).replace("`", "")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    assert reader.fieldnames == list(names)
    return [{names[header]: value or None for header, value in row.items()} for row in reader]


def parquet_row(table: Table, values: Row) -> Row:
    row = {column.name: values[column.header] for column in table.file_columns}
    for name, value in row.items():
        row[name] = repr(value).removesuffix(".0") if isinstance(value, float) else value
    for column in table.columns:
        if column.product_of:
            left, right = (Decimal(row[name]) for name in column.product_of)
            row[column.name] = left * right
    return row


def all_rows(lake: Path, source: str, name: str) -> list[Row]:
    return [row for day in NIGHTS for row in rows_of(lake, source, name, day)]


def fen(amount: object) -> int:
    return int(Decimal(str(amount)) * 100)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    assert main([*LARGER, "--lake", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def facts(lake: Path) -> dict[str, Any]:
    return dict(json.loads((lake / "demo" / "facts.json").read_text(encoding="utf-8")))


def test_the_same_arguments_give_the_same_bytes_and_another_seed_gives_others(
    tmp_path: Path,
) -> None:
    for name, seed in (("one", "7"), ("two", "7"), ("three", "8")):
        main([*SMALL, "--nights", "2", "--seed", seed, "--lake", str(tmp_path / name)])
    one, two, three = (
        digests(tmp_path / name, "landing", "demo") for name in ("one", "two", "three")
    )
    assert one == two
    sales = "landing/pos/2026-10-31/销售流水_20261031.csv"
    assert one[sales] != three[sales]


def test_a_night_does_not_depend_on_how_many_nights_are_made(tmp_path: Path) -> None:
    few, many = tmp_path / "few", tmp_path / "many"
    main([*SMALL, "--nights", "2", "--lake", str(few)])
    main([*SMALL, "--nights", "4", "--lake", str(many)])
    made = digests(few, "landing")
    contracts = [contract(source) for source in SOURCES]
    tables = [table for each in contracts for table in each.tables]
    files = len(tables) + sum(not each.control.is_trailer for each in contracts)
    once = sum(table.optional for table in tables)  # they come with the first delivery alone
    assert len(made) == 2 * files - once
    assert made.items() <= digests(many, "landing").items()

    main([*SMALL, "--nights", "4", "--lake", str(few)])
    assert digests(few, "landing", "demo") == digests(many, "landing", "demo")


def test_a_second_run_touches_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*SMALL, "--nights", "1", "--lake", str(tmp_path)])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main([*SMALL, "--nights", "1", "--lake", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"demo group: nothing new to make in {tmp_path}\n"
    assert before == {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()
    }


def test_a_delivery_that_was_lost_is_made_again(tmp_path: Path) -> None:
    main([*SMALL, "--nights", "1", "--lake", str(tmp_path)])
    before = digests(tmp_path, "landing")
    folder = tmp_path / "landing" / "hotel" / "2026-10-30"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    main([*SMALL, "--nights", "1", "--lake", str(tmp_path)])
    assert digests(tmp_path, "landing") == before


def test_a_delivery_that_differs_is_never_overwritten(tmp_path: Path) -> None:
    main([*SMALL, "--nights", "1", "--lake", str(tmp_path)])
    before = digests(tmp_path, "landing")
    with pytest.raises(Problem, match="hotel/2026-10-30 already holds another delivery"):
        main([*SMALL, "--nights", "1", "--seed", "9", "--lake", str(tmp_path)])
    assert digests(tmp_path, "landing") == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--people", "99"], "--people 99 is out of range; give a number from 100 to 5000000"),
        (["--nights", "0"], "--nights 0 is out of range"),
        (["--history-days", "-1"], "--history-days -1 is out of range"),
        (["--from", "2026-13-01"], "--from '2026-13-01' is not a date"),
    ],
)
def test_a_wrong_argument_ends_with_one_line_that_names_it(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(Problem) as caught:
        main([*arguments, "--lake", str(tmp_path)])
    assert str(caught.value).startswith(message)


def test_the_smallest_group_without_a_history_can_be_made(tmp_path: Path) -> None:
    assert main(["--people", "100", "--history-days", "0", "--lake", str(tmp_path)]) == 0


def test_a_source_without_a_demo_business_delivers_empty_files(tmp_path: Path) -> None:
    group = Group(200, NIGHTS[0], night_count=1, history_days=0, seed=1)
    theme_park = replace(contract("pos"), name="themepark", business="themepark")
    make_deliveries(DemoLake(Lake(tmp_path)), group, [theme_park, contract("pos")])
    folder = tmp_path / "landing" / "themepark" / "2026-10-30"
    files = {path.name: path.read_bytes().decode("gb18030") for path in folder.iterdir()}
    assert files["付款明细_20261030.csv"] == "小票号,序号,付款方式,金额,积分数,券号\r\n"
    assert files["对账_20261030.csv"].splitlines()[1:] == [
        "商户档案_20261030.csv,0,",
        "会员档案_20261030.csv,0,",
        "销售流水_20261030.csv,0,0.00",
        "付款明细_20261030.csv,0,0.00",
    ]


def control_entries(lake: Path, source: Source, day: date) -> dict[str, tuple[int, int | None]]:
    control = source.control
    path = Lake(lake).landing(source.name, day) / control.file_name(day)
    text = path.read_bytes().decode(control.encoding)
    if source.name in BILLS:
        rows, total = text.replace("`", "").splitlines()[-1].split(",")[:2]
        return {path.name: (int(rows), fen(total))}
    if control.format == "json":
        files = json.loads(text)["files"]
        return {entry["file"]: (entry["rows"], entry["total_fen"]) for entry in files}
    name, rows, total = (control.columns[key] for key in ("file", "rows", "total"))
    reader = csv.DictReader(io.StringIO(text, newline=""))
    return {row[name]: (int(row[rows]), fen(row[total]) if row[total] else None) for row in reader}


def expected_entry(lake: Path, source: Source, table: Table, day: date) -> tuple[int, int | None]:
    rows = rows_of(lake, source.name, table.name, day)
    if table.control_total is None:
        return len(rows), None
    column = table.column(table.control_total)
    name = column.header if table.format == "jsonl" else column.name
    amounts = [row[name] for row in rows]
    return len(rows), sum(amounts) if column.unit == "fen" else sum(map(fen, amounts))


@pytest.mark.parametrize("name", SOURCES)
def test_control_files_say_what_the_files_hold(lake: Path, name: str) -> None:
    source = contract(name)
    for day in NIGHTS:
        expected = {
            table.file_name(day): expected_entry(lake, source, table, day)
            for table in source.tables
            if not table.optional or day == NIGHTS[0]
        }
        assert control_entries(lake, source, day) == expected


def test_the_platform_takes_every_delivery_and_refuses_a_few_rows(
    lake: Path, tmp_path: Path
) -> None:
    (tmp_path / "landing").symlink_to(lake / "landing")
    settings = Settings(tmp_path, tmp_path / "keys.json", tmp_path, DBT_PROJECT, "1GB")
    create_demo_keys(settings.keys_file)
    totals: Counter[str] = Counter()
    for day in NIGHTS:
        for source in SOURCES:
            for row in load(settings, source, day):
                assert row["status"] == "accepted"
                names = ("row_count", "kept_count", "quarantined_count")
                totals.update({name: int(str(row[name])) for name in names})
    assert totals["row_count"] == totals["kept_count"] + totals["quarantined_count"]
    assert 5 < totals["quarantined_count"] < totals["row_count"] / 200


def test_the_tenders_of_every_receipt_add_up_to_its_lines(lake: Path) -> None:
    due: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    lines = {(row["receipt_no"], row["line_no"]): row for row in all_rows(lake, "pos", "sales")}
    for (receipt_no, _), row in lines.items():
        due[receipt_no] += fen(row["paid_fen"])
    tenders = {
        (row["receipt_no"], row["tender_no"]): row for row in all_rows(lake, "pos", "tenders")
    }
    for (receipt_no, _), row in tenders.items():
        paid[receipt_no] += fen(row["amount_fen"])
        assert (row["points"] is not None) == (row["tender_type"] == "积分")
        if row["points"] is not None:
            assert int(row["points"]) == fen(row["amount_fen"])  # one point pays one fen
    assert due == paid


def test_a_return_gives_back_in_the_tenders_that_were_taken_and_never_more(lake: Path) -> None:
    original_of = {
        row["receipt_no"]: row["original_receipt_no"]
        for row in all_rows(lake, "pos", "sales")
        if row["original_receipt_no"]
    }
    taken: dict[str, Counter[str]] = defaultdict(Counter)
    for (receipt_no, _), row in {
        (row["receipt_no"], row["tender_no"]): row for row in all_rows(lake, "pos", "tenders")
    }.items():
        taken[receipt_no][row["tender_type"]] += fen(row["amount_fen"])
    known = [pair for pair in original_of.items() if pair[1] in taken]
    assert len(known) > 0.9 * len(original_of) > 100
    whole = 0
    for back, original in known:
        assert all(taken[original][kind] >= -amount >= 0 for kind, amount in taken[back].items())
        whole += {kind: -amount for kind, amount in taken[back].items()} == taken[original]
    assert 0.6 * len(known) < whole < len(known)


def by_wechat(lake: Path) -> dict[str, int]:
    """What the tills took and gave back by WeChat, by receipt and tender number."""
    return {
        f"{row['receipt_no']}-{row['tender_no']}": fen(row["amount_fen"])
        for row in all_rows(lake, "pos", "tenders")
        if row["tender_type"] == "微信"
    }


def in_the_bill(rows: list[Row]) -> dict[str, int]:
    return {
        str(row["refund_no" if row["trade_status"] == "REFUND" else "order_no"]): fen(
            row["paid_fen"]
        )
        - fen(row["refund_fen"])
        for row in rows
    }


def test_the_bill_holds_what_the_tills_took_by_wechat_but_for_a_few_payments(
    lake: Path, facts: dict[str, Any]
) -> None:
    tills, bill = by_wechat(lake), in_the_bill(all_rows(lake, "payments", "trades"))
    assert sum(amount < 0 for amount in bill.values()) > 50
    assert bill.items() <= tills.items()
    late = {
        row["receipt_no"]
        for row in rows_of(lake, "pos", "sales", NIGHTS[-1])
        if row["sold_at"] >= "2026-11-02"
    }
    not_yet = {name for name in tills if name.rpartition("-")[0] in late}
    missing = facts["hazards"]["pos"]["payments_missing_in_bill"]
    assert len(tills.keys() - bill.keys() - not_yet) == missing > 0


def test_the_gate_finds_each_payment_that_the_bill_lacks_and_no_other(
    lake: Path, facts: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "landing").symlink_to(lake / "landing")
    settings = Settings(tmp_path, tmp_path / "keys.json", tmp_path, DBT_PROJECT, "1GB")
    create_demo_keys(settings.keys_file)
    found: Counter[tuple[Any, Any]] = Counter()
    for day in NIGHTS:
        for source in ("pos", "payments"):
            load(settings, source, day)
        for row in gate(settings, day):
            if "WeChat" in str(row["expectation"]):
                found[row["source"], row["severity"]] += int(str(row["failing_count"]))
    missing = facts["hazards"]["pos"]["payments_missing_in_bill"]
    assert found == {("pos", "warning"): missing, ("payments", "warning"): 0}


def test_a_bill_holds_its_calendar_day_so_that_sales_after_midnight_stand_in_the_next(
    lake: Path,
) -> None:
    for day in NIGHTS[1:]:
        rows = rows_of(lake, "payments", "trades", day)
        assert {row["traded_at"][:10] for row in rows} == {day.isoformat()}
        own = {
            row["receipt_no"]
            for row in rows_of(lake, "pos", "sales", day)
            if row["sold_at"] is not None
        }
        assert any(row["order_no"].rpartition("-")[0] not in own for row in rows)


def test_the_channel_keeps_six_per_mille_of_each_payment_and_gives_them_back() -> None:
    # 0.6 % of 0.83 is 0.498 fen, of 0.84 0.504, of 250.00 exactly 1.50, of 2.50 1.5 fen, up to 2.
    assert fee_of(np.array([83, 84, 25_000, 250, 0])).tolist() == [0, 1, 150, 2, 0]


def test_a_refund_gives_the_fee_back_and_names_the_order_that_was_paid(lake: Path) -> None:
    rows = all_rows(lake, "payments", "trades")
    paid = {row["wechat_order_no"]: row for row in rows if row["trade_status"] == "SUCCESS"}
    refunds = [row for row in rows if row["trade_status"] == "REFUND"]
    whole = 0
    for row in refunds:
        assert fen(row["fee_fen"]) <= 0 == fen(row["paid_fen"])
        original = paid.get(row["wechat_order_no"])
        if original and original["paid_fen"] == row["refund_fen"]:
            assert fen(row["fee_fen"]) == -fen(original["fee_fen"])
            assert row["openid"] == original["openid"]
            assert row["order_no"] == original["order_no"]
            whole += 1
    assert whole > 0.5 * len(refunds)
    keys = Counter((row["wechat_order_no"], row["wechat_refund_no"]) for row in rows)
    assert sum(count > 1 for count in keys.values()) <= 10  # rows that are repeated on purpose


def test_a_split_stands_in_the_bill_of_the_day_after_its_payment_and_never_exceeds_it(
    lake: Path,
) -> None:
    paid = {
        row["wechat_order_no"]: row
        for row in all_rows(lake, "payments", "trades")
        if row["trade_status"] == "SUCCESS"
    }
    left: Counter[str] = Counter()
    for row in {row["detail_no"]: row for row in all_rows(lake, "splits", "split_lines")}.values():
        payment = paid[row["wechat_order_no"]]
        day = date.fromisoformat(payment["traded_at"][:10]) + timedelta(1)
        if row["split_kind"] == "分账":
            assert row["split_at"][:10] == day.isoformat()
            assert fen(row["amount_fen"]) <= fen(payment["paid_fen"]) - fen(payment["fee_fen"])
            left[row["wechat_order_no"]] += fen(row["amount_fen"])
        else:
            assert row["split_at"][:10] > day.isoformat()
            left[row["wechat_order_no"]] -= fen(row["amount_fen"])
        assert (row["receiver_no"], row["order_fen"]) == (
            payment["merchant_id"],
            payment["paid_fen"],
        )
    assert len(left) > 0.8 * len(paid)
    assert min(left.values()) == 0  # all of it came back


def test_points_come_back_when_a_receipt_partly_paid_with_points_does(tmp_path: Path) -> None:
    arguments = ["--people", "5000", "--from", "2026-10-30", "--history-days", "75"]
    main([*arguments, "--nights", "1", "--lake", str(tmp_path)])
    by_receipt: dict[str, set[str]] = defaultdict(set)
    for row in rows_of(tmp_path, "pos", "tenders", NIGHTS[0]):
        if str(row["amount_fen"]).startswith("-"):
            by_receipt[row["receipt_no"]].add(row["tender_type"])
    assert any("积分" in kinds and len(kinds) > 1 for kinds in by_receipt.values())


def test_the_truth_names_one_person_and_household_for_every_account(lake: Path) -> None:
    truth = pq.read_table(lake / "demo" / "truth.parquet").to_pylist()
    known = [(row["source"], row["account_id"]) for row in truth]
    assert known == sorted(set(known))
    assert all(row["person_id"] and row["household_id"] for row in truth)
    delivered = {
        (source, row[table.account])
        for source in SOURCES
        for table in contract(source).tables
        if table.account
        for row in all_rows(lake, source, table.name)
    }
    assert delivered == set(known)


def test_more_than_half_of_the_sale_lines_carry_no_member(lake: Path) -> None:
    rows = all_rows(lake, "pos", "sales")
    assert len(rows) > 8_000
    anonymous = sum(row["member_no"] is None for row in rows) / len(rows)
    assert anonymous == pytest.approx(0.537, abs=0.03)


def test_members_lack_birthdays_and_genders_as_often_as_in_a_real_store(lake: Path) -> None:
    rows = all_rows(lake, "pos", "members")
    missing = Counter(name for row in rows for name, value in row.items() if value is None)
    assert missing["birth_date"] / len(rows) == pytest.approx(0.176, abs=0.03)
    assert missing["gender"] / len(rows) == pytest.approx(0.048, abs=0.02)
    years = [int(row["birth_date"][:4]) for row in rows if (row["birth_date"] or "x")[0].isdigit()]
    assert {1753, 1900, 2099, 9880} & set(years)


def test_identity_numbers_are_valid_and_tell_the_birth_date(lake: Path) -> None:
    rows = [row for row in all_rows(lake, "hotel", "guests") if row["id_document"]]
    assert len(rows) > 1_000
    assert all(id_document(row["id_document"]) for row in rows)
    dated = [row for row in rows if (row["birth_date"] or "").startswith(("19", "20"))]
    assert all(row["id_document"][6:14] == row["birth_date"].replace("-", "") for row in dated)
    assert len({row["id_document"] for row in rows}) > 0.97 * len({row["guest_id"] for row in rows})


def test_phones_and_plates_are_real_in_form_but_for_a_few(lake: Path) -> None:
    numbers = [row["mobile"] for row in all_rows(lake, "pos", "members") if row["mobile"]]
    usable = sum(mobile(number) is not None for number in numbers)
    assert 0.985 * len(numbers) < usable < len(numbers)
    plates = {row["plate_no"] for row in all_rows(lake, "parking", "sessions") if row["plate_no"]}
    assert all(plate(text) == text for text in plates)


def test_a_recycled_number_is_shown_by_its_old_owner_and_its_new_one(lake: Path) -> None:
    truth = pq.read_table(lake / "demo" / "truth.parquet").to_pylist()
    household = {row["account_id"]: row["household_id"] for row in truth if row["source"] == "pos"}
    holders: dict[str, list[Row]] = defaultdict(list)
    for row in rows_of(lake, "pos", "members", NIGHTS[0]):
        number = mobile(row["mobile"] or "")
        if number:
            holders[number].append(row)
    recycled = [
        rows for rows in holders.values() if len({household[row["member_no"]] for row in rows}) > 1
    ]
    assert recycled
    assert any(
        older["is_mobile_verified"] == "否" and newer["is_mobile_verified"] == "是"
        for rows in recycled
        for older, newer in [sorted(rows, key=lambda row: str(row["registered_date"]))[:2]]
    )


PRESENT = {
    "pos": "family_phones placeholder_phones mistyped_phones missing_phones mistyped_names "
    "oddly_written_phones stale_recycled_phones missing_genders missing_birth_dates "
    "absurd_birth_dates members_without_card redemptions returns partial_returns "
    "returns_of_unknown_receipts payments_missing_in_bill payments_after_midnight splits_failed",
    "hotel": "agent_phones pinyin_names traditional_names family_phones redemptions refunds",
    "property": "moved_out_residents family_phones redemptions refunds",
    "outlet": "family_phones cancelled_invoices invoices_without_customer",
    "parking": "plates_bound_more_than_once sold_cars sessions_of_unbound_cars redemptions",
    "miniprogram": "missing_unionids missing_phones anonymous_events referrals drifted_headers "
    "orders refunds",
}


@pytest.mark.parametrize("source", SYSTEMS)
def test_every_hazard_is_there_and_counted(facts: dict[str, Any], source: str) -> None:
    counts = facts["hazards"][source]
    assert [name for name in PRESENT[source].split() if not counts[name]] == []


def test_every_fault_of_rows_is_there_and_counted(facts: dict[str, Any]) -> None:
    assert [name for name, count in facts["row_faults"].items() if not count] == []
    assert set(facts["row_faults"]) == {
        *("bad_dates", "conflicting_pairs", "empty_required", "repeated_rows", "three_decimals")
    }


def times(rows: list[Row], name: str) -> Iterator[datetime]:
    for row in rows:
        value = row[name]
        if isinstance(value, datetime):
            yield value
        elif value and value.startswith("20") and len(value) == len("2026-10-30 12:00:00"):
            yield datetime.strptime(value, "%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("source", "table", "column"),
    [
        ("pos", "sales", "sold_at"),
        ("property", "fee_payments", "paid_at"),
        ("outlet", "invoice_lines", "invoiced_at"),
        ("parking", "sessions", "exited_at"),
        ("parking", "payments", "paid_at"),
        ("miniprogram", "events", "occurred_at"),
        ("miniprogram", "orders", "paid_at"),
    ],
)
def test_a_delivery_holds_the_business_day_from_four_to_four(
    lake: Path, source: str, table: str, column: str
) -> None:
    for number, day in enumerate(NIGHTS):
        rows = rows_of(lake, source, table, day)
        days = {(moment - timedelta(hours=4)).date() for moment in times(rows, column)}
        assert max(days) == day
        assert number == 0 or days == {day}
        assert number > 0 or min(days) == day - timedelta(days=60)


def test_sessions_cross_midnight_and_the_cut_off(lake: Path) -> None:
    rows = all_rows(lake, "parking", "sessions")
    assert all(row["entered_at"] < row["exited_at"] for row in rows)
    assert any(row["entered_at"].date() < row["exited_at"].date() for row in rows)
    cut_off = timedelta(hours=4)
    assert any(
        row["entered_at"].date() == row["exited_at"].date()
        and (row["entered_at"] - cut_off).date() < (row["exited_at"] - cut_off).date()
        for row in rows
    )


def test_offers_are_named_under_either_header_and_nobody_acts_before_joining(lake: Path) -> None:
    events = all_rows(lake, "miniprogram", "events")
    offers = [row for row in events if (row["event_type"] or "").startswith("offer_")]
    assert all((row["offer_id"] is None) != (row["offer id"] is None) for row in offers)
    drifted = sum(row["offer id"] is not None for row in offers)
    assert drifted / len(offers) == pytest.approx(0.04, abs=0.02)
    users = all_rows(lake, "miniprogram", "users")
    joined = {row["user_id"]: row["registered_date"] for row in users}
    assert all(
        joined[user] <= row["occurred_at"][:10]
        for row in events
        for user in (row["user_id"], row["referred_user_id"])
        if user and row["occurred_at"].startswith("20")
    )


def test_a_person_has_one_unionid_in_the_mall_and_in_the_mini_program(lake: Path) -> None:
    truth = pq.read_table(lake / "demo" / "truth.parquet").to_pylist()
    person = {(row["source"], row["account_id"]): row["person_id"] for row in truth}
    holders: dict[str, set[str]] = defaultdict(set)
    for source, table, key in (
        ("pos", "members", "member_no"),
        ("miniprogram", "users", "user_id"),
    ):
        for row in all_rows(lake, source, table):
            if row["unionid"]:
                holders[row["unionid"]].add(person[source, row[key]])
    assert all(len(people) == 1 for people in holders.values())
    shared = {row["unionid"] for row in all_rows(lake, "pos", "members") if row["unionid"]}
    users = all_rows(lake, "miniprogram", "users")
    assert sum(row["unionid"] in shared for row in users) > len(users) / 4


def test_the_hotels_club_hands_over_the_list_that_was_signed_whatever_the_group(
    lake: Path, tmp_path: Path
) -> None:
    main(["--people", "100", "--from", "2026-10-30", "--nights", "1", "--history-days", "0",
          "--lake", str(tmp_path)])  # fmt: skip
    for group in (lake, tmp_path):
        rows = rows_of(group, "hotel", "legacy_balances", NIGHTS[0])
        assert [row["line_no"] for row in rows] == list(range(1, 20))
        assert sum(row["points"] for row in rows) == 42_300
        guests = {row["guest_id"] for row in rows_of(group, "hotel", "guests", NIGHTS[0])}
        listed = {row["guest_id"] for row in rows}
        assert (len(listed), len(listed - guests)) == (17, 1)


def test_before_the_cut_over_the_club_has_nothing_to_hand_over(tmp_path: Path) -> None:
    main(["--people", "100", "--from", "2025-12-31", "--nights", "2", "--history-days", "0",
          "--lake", str(tmp_path)])  # fmt: skip
    assert list((tmp_path / "landing" / "hotel").rglob("legacy_balances*")) == []


def test_the_hotel_has_an_audit_date_of_its_own(lake: Path) -> None:
    rows = [row for row in all_rows(lake, "hotel", "folios") if len(row["closed_at"]) == 19]
    late = [row for row in rows if row["closed_at"][:10] > row["audit_date"]]
    assert 0 < len(late) < 0.1 * len(rows)
    assert any(row["closed_at"][11:13] < "04" for row in late)


def test_the_group_keeps_the_rooms_of_a_stay_the_folio_and_the_booking_together(
    lake: Path,
) -> None:
    booked = {row["reservation_no"] for row in all_rows(lake, "hotel", "reservations")}
    stays = {row["stay_no"]: row for row in all_rows(lake, "hotel", "stays")}
    assert all(row["reservation_no"] in booked for row in stays.values() if row["reservation_no"])
    folios = [row for row in all_rows(lake, "hotel", "folios") if not row["original_folio_no"]]
    assert {row["stay_no"] for row in folios if row["stay_no"]} <= set(stays)
    for row in folios:
        paid = fen(row["gross"]) - fen(row["discount"]) - row["points_used"]
        assert abs(paid - fen(row["paid"])) <= 1  # a third decimal in gross is one of the faults


@pytest.mark.parametrize(
    ("seconds", "fee_fen"),
    [
        (1_800, 0),
        (1_801, 600),
        (5_400, 600),
        (5_401, 1_200),
        (86_399, 6_000),
        (86_400, 6_000),
        (86_400 + 1_801, 6_600),
    ],
)
def test_a_session_costs_six_yuan_an_hour_after_half_an_hour_up_to_sixty_a_day(
    seconds: int, fee_fen: int
) -> None:
    assert fees(np.array([seconds])).tolist() == [fee_fen]


def test_a_part_of_a_receipt_is_given_back_in_the_proportions_of_its_tenders() -> None:
    # 100.00 paid with 20.00 in points, 30.00 and 50.00 in money; 33.33 comes back:
    # 6.666, 9.999 and 16.665 are 666.6, 999.9 and 1666.5 fen, so the first two get the missing fen.
    amounts = np.array([[2_000, 0, 3_000, 5_000], [0, 0, 700, 0]])
    shares = shares_of(amounts, np.array([10_000, 700]), np.array([3_333, 700]))
    assert shares.tolist() == [[667, 0, 1_000, 1_666], [0, 0, 700, 0]]


def test_the_wallet_spends_the_oldest_points_first_and_forgets_them_after_a_year() -> None:
    wallet = Wallet(2)
    everybody, yes = np.array([0, 1]), np.array([True, True])
    for first_day, earned in ((0, [1_000, 0]), (100, [500, 700])):
        wallet.open(first_day)
        wallet.earn(everybody, np.array(earned))
        wallet.close()
    wallet.open(200)
    assert wallet.spendable.tolist() == [1_500, 700]
    taken = wallet.redeem(everybody, yes, most=np.array([600, 750]), least=500)
    assert taken.tolist() == [600, 700]
    wallet.close()
    wallet.open(364)
    assert wallet.spendable.tolist() == [900, 0]  # 400 of the first day, 500 of day 100
    wallet.close()
    wallet.open(365)
    assert wallet.spendable.tolist() == [500, 0]


def test_nobody_spends_what_is_not_there_nor_twice_in_a_span() -> None:
    wallet = Wallet(1)
    wallet.open(0)
    wallet.earn(np.array([0, -1]), np.array([800, 9_999]))  # the second award is nobody's
    wallet.close()
    wallet.open(1)
    person, wants = np.array([-1, 0, 0]), np.array([True, True, True])
    assert wallet.redeem(person, wants, np.full(3, 900), least=801).tolist() == [0, 0, 0]
    assert wallet.redeem(person, wants, np.full(3, 900), least=800).tolist() == [0, 800, 0]
    assert wallet.spendable.tolist() == [0]
