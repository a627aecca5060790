"""Loading a delivery: what is taken, what is put aside, what is refused, and what stays private."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.core.privacy import create_demo_keys, read_keys, token, unseal
from ingest.load import load
from ingest.readers import read_rows
from tests.ingest.small_house import (
    CARD_HEADERS,
    DAY,
    GATE_SCHEMA,
    NEXT_DAY,
    SALE_HEADERS,
    SHOP,
    House,
    build_house,
    csv_bytes,
    read,
    refusal,
    sale,
)

CARD = ["C1", "张伟", "138-0000-0001", "1990-02-03", "上海市示例路1号", "是"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path)


def delivery_of(
    house: House, table: str, day: date = DAY, source: str = "shop"
) -> dict[str, object]:
    rows = read(house.lake.deliveries(source, day))
    return next(row for row in rows if row["table_name"] == table)


def test_a_sale_is_loaded_with_types_provenance_and_utc_time(house: House) -> None:
    house.deliver_shop([["R1", 1, "C1", "2026-10-29 12:30:00", "退货", "-12.5"]], total="-12.50")
    load(house.settings, "shop", DAY)
    [row] = house.raw("shop", "sales")
    row_hash = row.pop("_row_hash")
    assert row == {
        "receipt": "R1",
        "line": 1,
        "card": "C1",
        "sold_at": datetime(2026, 10, 29, 4, 30),
        "kind": "return",
        "paid_fen": -1250,
        "business_date": date(2026, 10, 29),
        "_source_file": "2026-10-29/销售_20261029.csv",
        "_source_row": 1,
        "_version": 100_000,
    }
    assert len(row_hash) == 16


@pytest.mark.parametrize(
    ("sold_at", "business_date"),
    [
        ("2026-10-29 03:59:59", date(2026, 10, 28)),
        ("2026-10-29 04:00:00", date(2026, 10, 29)),
        ("2026-10-29 01:30:00", date(2026, 10, 28)),
        ("2026-10-30 03:59:59", date(2026, 10, 29)),
    ],
)
def test_the_business_day_runs_from_cut_off_to_cut_off(
    house: House, sold_at: str, business_date: date
) -> None:
    house.deliver_shop([sale("R1", at=sold_at)], total="1.00")
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["business_date"] == business_date


def test_a_row_of_a_later_business_day_than_its_delivery_is_refused(house: House) -> None:
    house.deliver_shop([sale("R1", at="2026-10-30 04:00:00")], total="1.00")
    load(house.settings, "shop", DAY)
    assert [row["rule"] for row in house.quarantined("shop", "sales")] == ["future"]


def test_personal_data_becomes_tokens_masks_and_sealed_values(house: House) -> None:
    house.deliver_shop([], [CARD])
    load(house.settings, "shop", DAY)
    keys = read_keys(house.settings.keys_file)
    [row] = house.raw("shop", "cards")
    assert set(row) == {
        "card",
        "name_masked",
        "mobile_token",
        "mobile_masked",
        "birth_year",
        "is_consented",
        "_source_file",
        "_source_row",
        "_version",
        "_row_hash",
    }
    assert row["name_masked"] == "张*"
    assert row["mobile_masked"] == "138****0001"
    assert row["mobile_token"] == token(keys, "mobile", "13800000001")
    assert row["birth_year"] == 1990
    assert row["is_consented"] is True

    [person] = house.rows("restricted", "shop", "cards")
    [key] = house.rows("restricted/keys", "shop", "cards")
    assert person["account_id"] == key["account_id"] == "C1"
    assert person["key_ref"] == key["key_ref"]
    assert key["master_key_id"] == "m1"
    assert person["name_token"] == token(keys, "name", "wei zhang")
    opened = unseal(keys, key["wrapped_key"], person["sealed"], "shop|cards|C1")
    assert json.loads(opened) == {
        "member_name": "张伟",
        "mobile": "13800000001",
        "born_date": "1990-02-03",
        "home": "上海市示例路1号",
        "compared": {
            "name": "张伟",
            "name_key": "wei zhang",
            "surname": "zhang",
            "birth": "19900203",
            "mobile": "13800000001",
            "address": "上海市示例路1号",
        },
    }
    for block, form in {
        "surname": "zhang",
        "address": "上海市示例路1号",
        "birth": "19900203",
        "name_birth": "wei zhang|19900203",
        "name_mobile_head": "wei zhang|1380000",
        "name_mobile_tail": "wei zhang|0001",
    }.items():
        assert person[f"{block}_token"] == token(keys, block, form)
    with pytest.raises(Problem, match="does not open"):
        unseal(keys, key["wrapped_key"], person["sealed"], "shop|cards|C2")


def test_no_personal_value_is_readable_anywhere_in_the_lake_outside_landing(house: House) -> None:
    house.deliver_shop([], [CARD, ["C2", "李娜", "13900000002", "not a date", "北京市2号", "是"]])
    load(house.settings, "shop", DAY)
    values = [
        "张伟",
        "李娜",
        "13800000001",
        "13900000002",
        "上海市示例路1号",
        "1990-02-03",
        "not a date",
    ]
    written = [path for path in house.lake.root.rglob("*.parquet") if "landing" not in path.parts]
    assert len(written) == 7
    for path in written:
        text = str(read(path))
        assert not [value for value in values if value in text], path


def test_the_same_phone_gives_the_same_token_in_every_format_and_spelling(house: House) -> None:
    house.deliver_shop([], [["C1", "", "１３８００００００１１", "", "", "是"]])
    house.deliver_inn(['{"guest": "G1", "mobile": "+86 138-0000-0011"}'], [])
    payments = {
        "payment": ["P1"],
        "plate": ["沪A·12345"],
        "mobile": ["008613800000011"],
        "paid_at": [datetime(2026, 10, 29, 12)],
        "paid_fen": [500],
        "is_free": [False],
    }
    house.deliver_gate(pa.table(payments, schema=GATE_SCHEMA), total_fen=500)
    tokens = set()
    for source, table in (("shop", "cards"), ("inn", "guests"), ("gate", "payments")):
        load(house.settings, source, DAY)
        tokens.add(house.raw(source, table)[0]["mobile_token"])
    assert len(tokens) == 1
    assert None not in tokens


def test_a_placeholder_phone_gives_no_token_and_the_row_still_loads(house: House) -> None:
    house.deliver_shop([], [["C1", "张伟", "13800138000", "", "", "否"]])
    load(house.settings, "shop", DAY)
    [row] = house.raw("shop", "cards")
    assert (row["mobile_token"], row["mobile_masked"], row["is_consented"]) == (None, None, False)


def test_json_lines_keep_exact_amounts_and_the_hotels_own_date(house: House) -> None:
    lines = [
        '{"folio": "F1", "audit_date": "2026-10-28", "paid": 1234567890123.45}',
        '{"folio": 2, "audit_date": "2026-10-29", "paid": "0.10", "new field": 1}',
    ]
    house.deliver_inn([], lines, total_fen=123456789012345 + 10)
    load(house.settings, "inn", DAY)
    rows = house.raw("inn", "folios")
    assert [row["paid_fen"] for row in rows] == [123456789012345, 10]
    assert [row["folio"] for row in rows] == ["F1", "2"]
    assert [row["business_date"] for row in rows] == [date(2026, 10, 28), date(2026, 10, 29)]


def test_lines_that_are_no_json_object_are_put_aside_and_counted(house: House) -> None:
    lines = [
        '{"folio": "F1", "audit_date": "2026-10-29", "paid": 1.00}',
        "oops",
        "[1, 2]",
        '{"folio": {"no": 1}, "audit_date": "2026-10-29", "paid": 1.00}',
        '{"folio": "F5", "audit_date": "2026-10-29", "paid": NaN}',
        r'{"folio": "\ud800", "audit_date": "2026-10-29", "paid": 1.00}',
        "",
    ]
    house.deliver_inn([], lines, total_fen=100)
    load(house.settings, "inn", DAY)
    found = [(row["source_row"], row["rule"]) for row in house.quarantined("inn", "folios")]
    assert found == [
        (2, "not_json"),
        (3, "not_json"),
        (4, "nested"),
        (5, "type"),
        (6, "not_json"),
        (7, "not_json"),
    ]
    assert [row["_source_row"] for row in house.raw("inn", "folios")] == [1]


def test_each_line_is_read_under_the_header_that_it_uses(house: House) -> None:
    contract = house.contract_file("inn")
    text = contract.read_text(encoding="utf-8")
    column = "name: folio, data_type: varchar, meta: {"
    assert column in text
    contract.write_text(text.replace(column, f"{column}aliases: [folio no], "), encoding="utf-8")
    rest = '"audit_date": "2026-10-29", "paid": 1.00}'
    lines = [
        f'{{"folio": "F1", {rest}',
        f'{{"folio no": "F2", {rest}',
        f'{{"folio": null, "folio no": "F3", {rest}',
        f'{{"folio": "F4", "folio no": "F4", {rest}',
        f'{{"folio": "F5", "folio no": "F6", {rest}',
    ]
    house.deliver_inn([], lines, total_fen=400)
    load(house.settings, "inn", DAY)
    assert [row["folio"] for row in house.raw("inn", "folios")] == ["F1", "F2", "F3", "F4"]
    [row] = house.quarantined("inn", "folios")
    assert (row["source_row"], row["rule"], row["column_name"]) == (5, "two_values", "folio")


def test_parquet_times_are_local_and_booleans_plain(house: House) -> None:
    payments = {
        "payment": ["P1", "P2"],
        "plate": ["沪A·12345", "京A12345"],
        "mobile": [None, None],
        "paid_at": [datetime(2026, 10, 30, 3, 59, 59), datetime(2026, 10, 29, 4)],
        "paid_fen": [500, -100],
        "is_free": [False, None],
    }
    house.deliver_gate(pa.table(payments, schema=GATE_SCHEMA), total_fen=400)
    load(house.settings, "gate", DAY)
    first, second = house.raw("gate", "payments")
    assert first["paid_at"] == datetime(2026, 10, 29, 19, 59, 59)
    assert (first["business_date"], second["business_date"]) == (DAY, DAY)
    assert (first["is_free"], second["is_free"]) == (False, None)
    assert first["plate_token"] != second["plate_token"]


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("paid_fen", pa.array([1.5]), "floating point"),
        ("paid_at", pa.array([datetime(2026, 10, 29)], pa.timestamp("us", "UTC")), "time zone"),
        ("plate", pa.array([["a"]]), "type"),
    ],
)
def test_parquet_columns_that_cannot_be_taken_exactly_refuse_the_file(
    house: House, column: str, values: pa.Array, reason: str
) -> None:
    table = pa.table(
        {
            "payment": ["P1"],
            "plate": ["沪A12345"],
            "mobile": [None],
            "paid_at": pa.array([datetime(2026, 10, 29)], pa.timestamp("us")),
            "paid_fen": [1],
            "is_free": [True],
        }
    )
    position = table.column_names.index(column)
    house.deliver_gate(table.set_column(position, column, values), total_fen=1)
    assert re.search(reason, refusal(house, "gate", DAY))


def test_a_parquet_file_that_holds_broken_text_is_refused(house: House) -> None:
    texts = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    )
    row = ["P1", "沪A12345", None, datetime(2026, 10, 29), 1, True]
    table = pa.table([[value] for value in row], schema=GATE_SCHEMA)
    house.deliver_gate(table.set_column(0, "payment", texts), total_fen=1)
    assert re.search("is not a whole Parquet file", refusal(house, "gate", DAY))


RULES = [
    (["", 1, "", "2026-10-29 12:00:00", "销售", "1.00"], "required", "receipt", None),
    (["R", 0, "", "2026-10-29 12:00:00", "销售", "1.00"], "min", "line", "0"),
    (["R", 100, "", "2026-10-29 12:00:00", "销售", "1.00"], "max", "line", "100"),
    (["R", "1.0", "", "2026-10-29 12:00:00", "销售", "1.00"], "type", "line", "1.0"),
    (["R", "1,0", "", "2026-10-29 12:00:00", "销售", "1.00"], "type", "line", "1,0"),
    (["R", 1, "", "2026-02-29 12:00:00", "销售", "1.00"], "type", "sold_at", "2026-02-29 12:00:00"),
    (["R", 1, "", "29.10.2026", "销售", "1.00"], "type", "sold_at", "29.10.2026"),
    (["R", 1, "", "2026-10-29 12:00:00", "赠送", "1.00"], "allowed", "kind", "赠送"),
    (["R", 1, "a\x00b", "2026-10-29 12:00:00", "销售", "1.00"], "nul", "card", "a\x00b"),
    (["R", 1, ""], "field_count", None, None),
    (["R", 1, "", "2026-10-29 12:00:00", "销售", "1.00", "x"], "field_count", None, None),
]


@pytest.mark.parametrize(("row", "rule", "column", "value"), RULES)
def test_a_bad_row_goes_to_quarantine_with_its_first_broken_rule(
    house: House, row: list[object], rule: str, column: str | None, value: str | None
) -> None:
    good = [sale("A"), sale("B")]
    total = "2.00" if rule == "field_count" else "3.00"
    house.deliver_shop([good[0], row, good[1]], total=total)
    load(house.settings, "shop", DAY)
    [refused] = house.quarantined("shop", "sales")
    assert (refused["rule"], refused["column_name"], refused["value"]) == (rule, column, value)
    assert refused["source_row"] == 2
    assert [found["_source_row"] for found in house.raw("shop", "sales")] == [1, 3]


@pytest.mark.parametrize("amount", ["1.234", "1,23.50", "abc", "1e3", "(1", "9" * 18])
def test_an_amount_that_is_no_yuan_is_refused_and_adds_nothing_to_the_total(
    house: House, amount: str
) -> None:
    house.deliver_shop([sale("A", "2.00"), sale("B", amount)], total="2.00")
    load(house.settings, "shop", DAY)
    [refused] = house.quarantined("shop", "sales")
    assert (refused["rule"], refused["column_name"]) == ("type", "paid_fen")
    assert delivery_of(house, "sales")["quarantined_total_fen"] == 0


def test_amounts_and_times_are_read_however_the_till_writes_them(house: House) -> None:
    rows = [sale("A", "￥1,234.50", "2026/10/30 3:59"), sale("B", "(12.00)", "20261030040000")]
    house.deliver_shop(rows, total="1222.50")
    house.deliver_shop([], day=NEXT_DAY)
    load(house.settings, "shop", DAY)
    [early] = house.raw("shop", "sales")
    assert early["paid_fen"] == 123450
    assert early["sold_at"] == datetime(2026, 10, 29, 19, 59)  # UTC
    assert early["business_date"] == DAY  # the day ends at 04:00
    [late] = house.quarantined("shop", "sales")
    assert (late["rule"], late["value"]) == ("future", "20261030040000")


def test_a_sign_before_every_value_is_cut_where_the_contract_names_it(house: House) -> None:
    path = house.contract_file("shop")
    declared = SHOP.replace(
        "key: [receipt, line]", 'key: [receipt, line]\n          value_prefix: "`"'
    )
    row = ["`R1", "`1", "`", "`2026-10-29 12:00:00", "`销售", "`12.50"]
    for contract, loaded in ((SHOP, 0), (declared, 1)):
        path.write_text(contract, encoding="utf-8")
        house.deliver_shop([row], total="12.50" if loaded else "0.00")
        load(house.settings, "shop", DAY)
        assert len(house.raw("shop", "sales")) == loaded
    [sold] = house.raw("shop", "sales")
    assert (sold["receipt"], sold["card"], sold["kind"]) == ("R1", None, "sale")
    assert sold["paid_fen"] == 1250


def test_day_numbers_of_excel_are_read_where_the_contract_declares_them(house: House) -> None:
    path = house.contract_file("shop")
    declared = SHOP.replace("header: 时间, ", "header: 时间, excel_serial: true, ")
    for contract, loaded in ((SHOP, 0), (declared, 1)):
        path.write_text(contract, encoding="utf-8")
        house.deliver_shop([sale("A", "1.00", "46324.5")], total="1.00")
        load(house.settings, "shop", DAY)
        assert len(house.raw("shop", "sales")) == loaded
    [sold] = house.raw("shop", "sales")
    assert sold["sold_at"] == datetime(2026, 10, 29, 4, 0)  # noon in Shanghai


def test_a_name_is_kept_as_it_came_and_simplified_beside_it(house: House) -> None:
    cards = [["C1", "張偉", "", "", "", "是"], ["C2", "张伟", "", "", "", "是"]]
    house.deliver_shop([], cards)
    load(house.settings, "shop", DAY)
    keys = read_keys(house.settings.keys_file)
    wrapped = house.rows("restricted/keys", "shop", "cards")
    people = house.rows("restricted", "shop", "cards")
    first, second = (
        json.loads(
            unseal(keys, key["wrapped_key"], person["sealed"], f"shop|cards|{person['account_id']}")
        )
        for key, person in zip(wrapped, people, strict=True)
    )
    assert (first["member_name"], first["member_name_simplified"]) == ("張偉", "张伟")
    assert (second["member_name"], "member_name_simplified" in second) == ("张伟", False)
    assert people[0]["name_token"] == people[1]["name_token"]
    assert [row["name_masked"] for row in house.raw("shop", "cards")] == ["张*", "张*"]


def test_the_refused_row_keeps_its_text_sealed(house: House) -> None:
    house.deliver_shop([], [["C1", "张伟", "13800000001", "yesterday", "", "是"]])
    load(house.settings, "shop", DAY)
    [refused] = house.quarantined("shop", "cards")
    [key] = house.rows("quarantine/keys", "shop", "cards")
    assert refused["value"] is None
    assert key["account_id"] == "C1"
    context = "shop|cards|2026-10-29/会员_20261029.csv|1"
    keys = read_keys(house.settings.keys_file)
    opened = json.loads(unseal(keys, key["wrapped_key"], refused["sealed"], context))
    assert opened == dict(
        zip(CARD_HEADERS, ["C1", "张伟", "13800000001", "yesterday", None, "是"], strict=True)
    )


def test_what_a_row_says_has_one_hash_however_it_is_written(house: House) -> None:
    house.deliver_shop(
        [sale("R1", "1.5"), sale("R1", " 1.50"), sale("R1", "1.51")],
        [CARD, [*CARD[:4], "上海市示例路2号", "是"], [CARD[0], "张伟", "13800000001", *CARD[3:]]],
        total="4.51",
    )
    load(house.settings, "shop", DAY)
    first, same, other = (row["_row_hash"] for row in house.raw("shop", "sales"))
    assert first == same != other
    first, moved, same = (row["_row_hash"] for row in house.raw("shop", "cards"))
    assert first == same != moved


AMOUNTS = st.sampled_from(["1.00", "2.50", "-3.75", "0", "bad", "1.005"])
ROWS = st.lists(
    st.tuples(st.sampled_from(["R1", "R2", "R3", ""]), st.integers(0, 3), AMOUNTS), max_size=20
)


@given(rows=ROWS)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_every_row_and_fen_is_kept_or_quarantined(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str]]
) -> None:
    house = build_house(tmp_path_factory.mktemp("house"))
    total = sum((Decimal(a) for _, _, a in rows if a not in ("bad", "1.005")), Decimal(0))
    sales = [sale(receipt, amount, line=line) for receipt, line, amount in rows]
    house.deliver_shop(sales, total=f"{total:.2f}")
    load(house.settings, "shop", DAY)
    row = delivery_of(house, "sales")
    counts = [row[f"{name}_count"] for name in ("kept", "quarantined")]
    fens = [row[f"{name}_total_fen"] for name in ("kept", "quarantined")]
    assert sum(counts) == row["row_count"] == len(rows)
    assert sum(fens) == row["control_total_fen"] == int(total * 100)
    assert counts == [len(house.raw("shop", "sales")), len(house.quarantined("shop", "sales"))]


def test_bytes_outside_the_declared_encoding_refuse_the_delivery_and_write_nothing(
    house: House,
) -> None:
    house.deliver_shop([sale("R1")], [CARD], total="1.00")
    house.put("shop", DAY, "会员_{d}.csv", csv_bytes(CARD_HEADERS, [CARD], "utf-8") + b"\xff\r\n")
    assert re.search(r"会员_20261029\.csv: line \d+ is not gb18030", refusal(house, "shop", DAY))


def test_rare_characters_of_names_survive_gb18030(house: House) -> None:
    house.deliver_shop([["R1", 1, "𠮷𪚥㐂", "2026-10-29 12:00:00", "", "1.00"]], total="1.00")
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["card"] == "𠮷𪚥㐂"


@pytest.mark.parametrize(
    ("rows", "total", "reason"),
    [
        (2, "1.00", "has 1 rows, its control file says 2"),
        (1, "1.01", "adds up to 100 fen in paid_fen, its control file says 101 fen"),
        (1, "", "its control file says nothing"),
    ],
)
def test_a_file_that_differs_from_its_control_file_is_refused(
    house: House, rows: int, total: str, reason: str
) -> None:
    house.deliver_shop([sale("R1")])
    control = [["会员_20261029.csv", 0, ""], ["销售_20261029.csv", rows, total]]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(["文件名", "行数", "合计"], control))
    assert re.search(reason, refusal(house, "shop", DAY))


@pytest.mark.parametrize(
    ("source", "name", "deliver"),
    [
        (
            "shop",
            "销售_20261029.csv",
            lambda house: house.deliver_shop([sale("R1"), sale("R2", "2.00")], total="3.00"),
        ),
        (
            "inn",
            "folios_20261029.jsonl",
            lambda house: house.deliver_inn(
                [], ['{"folio": "张1", "audit_date": "2026-10-29", "paid": 1.00}'], total_fen=100
            ),
        ),
    ],
)
def test_a_file_cut_anywhere_is_never_accepted(
    house: House, source: str, name: str, deliver: Callable[[House], None]
) -> None:
    deliver(house)
    path = house.lake.landing(source, DAY) / name
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert refusal(house, source, DAY)
    path.write_bytes(whole)
    records = load(house.settings, source, DAY)
    assert {record["status"] for record in records} == {"accepted"}


def test_a_parquet_file_cut_anywhere_is_never_read(house: House) -> None:
    row = ["P1", "沪A12345", None, datetime(2026, 10, 29), 1, True]
    house.deliver_gate(pa.table([[value] for value in row], schema=GATE_SCHEMA))
    table = load_source(house.settings.dbt_project, "gate").table("payments")
    path = house.lake.landing("gate", DAY) / "payments_20261029.parquet"
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Problem, match="is not a whole Parquet file"):
            list(read_rows(table, path))


def test_a_file_cut_inside_quotes_is_refused(house: House) -> None:
    house.deliver_shop([sale("R1")], [["C1", "张伟", "", "", "", "是"]], total="1.00")
    text = csv_bytes(CARD_HEADERS, [])
    house.put("shop", DAY, "会员_{d}.csv", text + 'C1,张伟,,,,"是\r\n'.encode("gb18030"))
    assert re.search("quoted field", refusal(house, "shop", DAY))


def test_columns_may_be_reordered_and_added_but_not_missing(house: House) -> None:
    house.deliver_shop([sale("R1")], total="1.00")
    headers = ["新列", *reversed(SALE_HEADERS)]
    house.put("shop", DAY, "销售_{d}.csv", csv_bytes(headers, [["x", *reversed(sale("R1"))]]))
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["receipt"] == "R1"
    house.put("shop", DAY, "销售_{d}.csv", csv_bytes(SALE_HEADERS[:-1], [sale("R1")[:-1]]))
    assert re.search("column '实付' is missing", refusal(house, "shop", DAY))


def test_twenty_bad_rows_are_taken_and_twenty_one_of_a_hundred_refuse_the_file(
    house: House,
) -> None:
    def rows(bad: int) -> list[list[object]]:
        return [sale(f"R{i}", "x" if i < bad else "1.00") for i in range(100)]

    house.deliver_shop(rows(20), total="80.00")
    load(house.settings, "shop", DAY)
    assert delivery_of(house, "sales")["quarantined_count"] == 20
    house.deliver_shop(rows(21), total="79.00")
    assert re.search(
        r"21 of 100 rows break the contract \(the first: row 1, column paid_fen",
        refusal(house, "shop", DAY),
    )


def test_a_tiny_file_of_bad_rows_only_is_quarantined_not_refused(house: House) -> None:
    house.deliver_shop([sale(f"R{i}", "x") for i in range(20)], total="0.00")
    load(house.settings, "shop", DAY)
    assert delivery_of(house, "sales")["quarantined_count"] == 20
    assert house.raw("shop", "sales") == []


def test_the_same_bytes_under_any_name_change_nothing(house: House) -> None:
    house.deliver_shop([], [CARD])
    load(house.settings, "shop", DAY)
    house.deliver_shop([], [CARD], day=NEXT_DAY)
    house.put("shop", NEXT_DAY, "又一份.bak", csv_bytes(CARD_HEADERS, [CARD]))
    records = load(house.settings, "shop", NEXT_DAY)
    again = [
        (row["source_file"], row["row_count"], row["kept_count"])
        for row in records
        if row["status"] == "duplicate_file"
    ]
    assert again == [("2026-10-30/会员_20261030.csv", 1, 0), ("2026-10-30/又一份.bak", 1, 0)]
    assert house.raw("shop", "cards", NEXT_DAY) == []
    assert house.rows("restricted", "shop", "cards", NEXT_DAY) == []


def test_empty_files_repeat_every_day_and_are_accepted(house: House) -> None:
    for day in (DAY, NEXT_DAY):
        house.deliver_shop([], day=day)
        load(house.settings, "shop", day)
        assert delivery_of(house, "sales", day)["status"] == "accepted"
    house.put("shop", NEXT_DAY, "会员_{d}.csv", b"")
    load(house.settings, "shop", NEXT_DAY)
    assert house.raw("shop", "cards", NEXT_DAY) == []


def test_loading_again_gives_the_same_bytes_and_clears_what_is_no_longer_refused(
    house: House,
) -> None:
    house.deliver_shop([sale("R1"), sale("R2", "x")], [CARD], total="1.00")
    load(house.settings, "shop", DAY)
    folder = house.lake.root / "raw"
    first = {path: path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}
    load(house.settings, "shop", DAY)
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*.parquet"))} == first
    house.deliver_shop([sale("R1"), sale("R2", "2.00")], [CARD], total="3.00")
    load(house.settings, "shop", DAY)
    assert house.quarantined("shop", "sales") == []
    assert house.rows("quarantine/keys", "shop", "sales") == []
    assert len(house.raw("shop", "sales")) == 2


def test_a_delivery_without_a_file_is_refused_and_nothing_delivered_is_no_fault_of_the_load(
    house: House,
) -> None:
    assert load(house.settings, "shop", DAY) == []
    house.deliver_shop([sale("R1")], total="1.00")
    (house.lake.landing("shop", DAY) / "销售_20261029.csv").unlink()
    assert re.search(r"销售_20261029\.csv is missing", refusal(house, "shop", DAY))


def test_two_houses_with_different_keys_share_no_token(house: House, tmp_path: Path) -> None:
    other = build_house(tmp_path / "other")
    tokens = []
    for one in (house, other):
        one.deliver_shop([], [CARD])
        load(one.settings, "shop", DAY)
        [row] = one.raw("shop", "cards")
        tokens.append({row["mobile_token"], row["_row_hash"]})
    assert not tokens[0] & tokens[1]


def test_the_keys_file_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    assert create_demo_keys(path) is True
    made = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert create_demo_keys(path) is False
    assert path.read_bytes() == made
    path.chmod(0o640)
    with pytest.raises(Problem, match="chmod 600"):
        read_keys(path)
    path.chmod(0o600)
    path.write_text("{}")
    with pytest.raises(Problem, match="damaged"):
        read_keys(path)
    with pytest.raises(Problem, match="python -m ingest keys"):
        read_keys(tmp_path / "none.json")
