"""Files that end with their own summary: believed only if it is there, whole and right."""

import gzip
import io
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.lateness import check_deliveries
from ingest.load import load
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, read, refusal
from tests.ingest.what_counts import counting_rows, outcomes

BANK = """
version: 2
sources:
  - name: bank
    meta:
      business: shop
      time_zone: Asia/Shanghai
      day_cut_off: "04:00"
      control:
        format: trailer
        columns: {rows: 总笔数, total: 总金额}
        sums: {back_fen: 退款总额}
    tables:
      - name: bill
        meta:
          file: "账单_{yyyymmdd}.csv"
          format: csv
          encoding: utf-8-sig
          value_prefix: "`"
          key: [order_no, refund_no]
          control_total: paid_fen
        columns:
          - {name: order_no, data_type: varchar, meta: {header: 订单, required: true}}
          - {name: refund_no, data_type: varchar, meta: {header: 退单, required: true}}
          - {name: paid_fen, data_type: bigint, meta: {header: 金额, unit: yuan, required: true}}
          - {name: back_fen, data_type: bigint, meta: {header: 退款, unit: yuan, required: true}}
          - {name: note, data_type: varchar, meta: {header: 备注}}
"""
HEADERS = "订单,退单,金额,退款,备注"
PAYMENT, SECOND, REFUND = "`A1,`0,`12.50,`0.00,`", "`A2,`0,`3.00,`0.00,`", "`A1,`R1,`0.00,`2.00,`"
SUMMARY = ("总笔数,总金额,退款总额,手续费", "`3,`15.50,`2.00,`0.02000")
LINES = (HEADERS, PAYMENT, SECOND, REFUND, *SUMMARY)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return with_bank(tmp_path)


def with_bank(folder: Path) -> House:
    house = build_house(folder)
    path = house.contract_file("bank")
    path.parent.mkdir(parents=True)
    path.write_text(BANK, encoding="utf-8")
    return house


def bill(*lines: str, encoding: str = "utf-8-sig") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def put(house: House, data: bytes, name: str = "账单_{d}.csv", day: date = DAY) -> Path:
    return house.put("bank", day, name, data)


def refused(house: House, *lines: str) -> str:
    put(house, bill(*lines))
    return refusal(house, "bank")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_is_held_to_the_summary_at_its_end(house: House, encoding: str) -> None:
    put(house, bill(*LINES, encoding=encoding))
    [record] = load(house.settings, "bank", DAY)
    assert (record["status"], record["table_name"], record["sequence"]) == ("accepted", "bill", 1)
    assert (record["control_row_count"], record["control_total_fen"]) == (3, 1_550)
    assert (record["row_count"], record["total_fen"]) == (3, 1_550)
    rows = [
        (r["order_no"], r["refund_no"], r["paid_fen"], r["back_fen"], r["note"], r["_source_row"])
        for r in house.raw("bank", "bill")
    ]
    assert rows == [
        ("A1", "0", 1_250, 0, None, 1),
        ("A2", "0", 300, 0, None, 2),
        ("A1", "R1", 0, 200, None, 3),
    ]


def test_a_day_without_rows_still_has_its_summary(house: House) -> None:
    put(house, bill(HEADERS, SUMMARY[0], "`0,`0.00,`0.00,`0.00"))
    [record] = load(house.settings, "bank", DAY)
    assert (record["status"], record["row_count"], record["control_total_fen"]) == (
        "accepted",
        0,
        0,
    )
    assert house.raw("bank", "bill") == []
    assert "has 0 rows, its summary says 1" in refused(
        house, HEADERS, SUMMARY[0], "`1,`0.00,`0.00,`0.00"
    )
    assert "0 fen in back_fen, its summary says 1 fen" in refused(
        house, HEADERS, SUMMARY[0], "`0,`0.00,`0.01,`0.00"
    )
    put(house, b"")
    assert "does not end with its summary" in refusal(house, "bank")


def test_a_file_cut_anywhere_is_never_accepted(house: House) -> None:
    whole = bill(*LINES)
    for length in range(len(whole)):
        put(house, whole[:length])
        assert refusal(house, "bank")
    put(house, whole)
    assert load(house.settings, "bank", DAY)[0]["status"] == "accepted"


@pytest.mark.parametrize("count", range(1, len(LINES)))
def test_a_file_that_lacks_whole_lines_says_so(house: House, count: int) -> None:
    assert "does not end with its summary (总笔数, …)" in refused(house, *LINES[:count])


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_a_packed_file_is_held_to_its_summary_and_no_cut_of_it_is_accepted(
    house: House, kind: str
) -> None:
    def packed(text: bytes) -> bytes:
        if kind == "gz":
            return gzip.compress(text, mtime=0)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bill.csv", text)
        return buffer.getvalue()

    whole = packed(bill(*LINES))
    for length in range(len(whole)):
        put(house, whole[:length], f"账单_{{d}}.csv.{kind}")
        assert refusal(house, "bank")
    put(house, packed(bill(*LINES[:-1])), f"账单_{{d}}.csv.{kind}")
    assert "does not end with its summary" in refusal(house, "bank")
    put(house, whole, f"账单_{{d}}.csv.{kind}")
    assert load(house.settings, "bank", DAY)[0]["row_count"] == 3


WRONG = [
    ((*LINES, ""), "does not end with its summary"),  # anything behind it
    ((*LINES, PAYMENT), "does not end with its summary"),
    ((*LINES, *LINES), "has 9 rows, its summary says 3"),  # two bills in one file
    ((*LINES[:-1], "`4,`15.50,`2.00,`0.02"), "has 3 rows, its summary says 4"),
    ((*LINES[:-1], "`3,`15.51,`2.00,`0.02"), "1550 fen in paid_fen, its summary says 1551 fen"),
    ((*LINES[:-1], "`3,`15.50,`2.01,`0.02"), "200 fen in back_fen, its summary says 201 fen"),
    ((*LINES[:-1], "`3,`15.50,`2.00"), "does not end with its summary"),
    ((*LINES[:-1], "`3,`15.50,`2.00,`0.02,`"), "does not end with its summary"),
    ((*LINES[:-1], "`3.5,`15.50,`2.00,`0.02"), "does not end with its summary"),
    ((*LINES[:-1], "`,`15.50,`2.00,`0.02"), "does not end with its summary"),
    ((*LINES[:-1], "`3,`15.505,`2.00,`0.02"), "does not end with its summary"),
    ((*LINES[:-2], "总笔数,总金额,总金额,手续费", SUMMARY[1]), "does not end with its summary"),
    ((*LINES[:-2], "总笔数,总金额,退款,手续费", SUMMARY[1]), "does not end with its summary"),
    ((*LINES[:3], "`A1,`R1,`0.00", *SUMMARY), "0 fen in back_fen, its summary says 200 fen"),
    ((*SUMMARY,), "column '订单' is missing"),
    ((SUMMARY[0], "`0,`0.00,`0.00,`0.00"), "column '订单' is missing"),
]


@pytest.mark.parametrize(("lines", "reason"), WRONG)
def test_a_summary_that_is_not_last_or_not_right_refuses_the_file(
    house: House, lines: tuple[str, ...], reason: str
) -> None:
    found = refused(house, *lines)
    assert reason in found
    assert "\n" not in found


def test_counts_with_decimals_and_signs_before_headers_are_how_some_bills_come(
    house: House,
) -> None:
    headers = ",".join(f"`{header}" for header in HEADERS.split(","))
    summary = ",".join(f"`{header}" for header in SUMMARY[0].split(","))
    put(house, bill(headers, PAYMENT, summary, "`1.0,`12.50000,`0,`0"))
    assert load(house.settings, "bank", DAY)[0]["total_fen"] == 1_250


def test_quotes_of_the_last_row_close_before_the_summary(house: House) -> None:
    whole = '`A1,`0,`12.50,`0.00,"two\r\n"'
    put(house, bill(HEADERS, whole, SUMMARY[0], "`1,`12.50,`0.00,`0.00"))
    assert load(house.settings, "bank", DAY)[0]["row_count"] == 1
    assert refused(house, HEADERS, whole[:-1], SUMMARY[0], "`1,`12.50,`0.00,`0.00")


def test_a_long_file_keeps_all_its_rows_and_none_of_its_summary(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"`A{number},`0,`1.00,`0.00,`" for number in range(200)]
    data = bill(HEADERS, *lines, SUMMARY[0], "`200,`200.00,`0.00,`0.00")
    for piece in (1, 7, 64, 1_000):
        monkeypatch.setattr("ingest.readers.text.CHUNK_BYTES", piece)
        put(house, data)
        assert load(house.settings, "bank", DAY)[0]["status"] == "accepted"
        numbers = [row["_source_row"] for row in house.raw("bank", "bill")]
        assert numbers == list(range(1, 201))


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_a_flipped_bit_never_changes_rows_or_amounts_unseen(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    house = with_bank(tmp_path_factory.mktemp("house"))
    data = bytearray(bill(*LINES))
    data[place % len(data)] ^= 1 << bit
    put(house, bytes(data))
    for record in load(house.settings, "bank", DAY):
        if record["status"] == "accepted":
            rows = house.raw("bank", "bill")
            assert len(rows) + len(house.quarantined("bank", "bill")) == 3
            assert record["kept_total_fen"] + record["quarantined_total_fen"] == 1_550


def test_a_correction_supersedes_and_the_same_bytes_change_nothing(house: House) -> None:
    put(house, bill(*LINES))
    load(house.settings, "bank", DAY)
    put(house, bill(*LINES), "another name.csv", NEXT_DAY)
    put(house, bill(*LINES), "账单_20261030.csv", NEXT_DAY)
    corrected = bill(HEADERS, "`A2,`0,`3.50,`0.00,`", SUMMARY[0], "`1,`3.50,`0.00,`0.02")
    put(house, corrected, "账单_20261029_2.csv", NEXT_DAY)
    records = load(house.settings, "bank", NEXT_DAY)
    assert [(r["business_date"], r["sequence"], r["status"]) for r in records] == [
        (DAY, 2, "accepted"),
        (NEXT_DAY, 1, "duplicate_file"),
        (NEXT_DAY, 0, "duplicate_file"),
    ]
    rows = counting_rows(house, "bank", "bill", NEXT_DAY)
    assert sorted((row["order_no"], row["paid_fen"]) for row in rows) == [
        ("A1", 0),
        ("A1", 1_250),
        ("A2", 350),
    ]
    assert outcomes(house, "bank", "bill", NEXT_DAY) == {
        "loaded": (3, 1_600),
        "superseded": (1, 300),
    }


def test_a_file_of_another_date_or_name_is_found_or_left_as_its_name_says(house: House) -> None:
    put(house, bill(*LINES), "账单_20261030.csv")
    put(house, bill(HEADERS, *SUMMARY), "账单_20261029_x.csv")
    early, unread = load(house.settings, "bank", DAY)
    assert (early["status"], early["business_date"]) == ("refused", NEXT_DAY)
    assert "is of 2026-10-30, which is after 2026-10-29" in str(early["reason"])
    assert (unread["status"], unread["sequence"]) == ("refused", 0)
    assert "was not read: its name is not one that was agreed" in str(unread["reason"])


def test_a_link_in_the_landing_folder_is_refused(house: House, tmp_path: Path) -> None:
    path = put(house, bill(*LINES))
    path.rename(tmp_path / "elsewhere.csv")
    path.symlink_to(tmp_path / "elsewhere.csv")
    assert "is missing, or no plain file" in refusal(house, "bank")


def test_a_night_awaits_such_a_file_like_any_other_delivery(house: House) -> None:
    bank = load_source(house.settings.dbt_project, "bank")
    with pytest.raises(Problem, match="no source has delivered anything for 2026-10-29"):
        check_deliveries(house.lake, [bank], DAY, None)
    put(house, bill(*LINES))
    check_deliveries(house.lake, [bank], DAY, None)
    load(house.settings, "bank", DAY)
    [expected] = read(house.lake.expected("bank", DAY))
    assert (expected["business"], expected["business_date"]) == ("shop", DAY)


MISTAKES = [
    ("format: trailer", "format: csv", "columns must name the headers of file, rows and total"),
    ("format: trailer", "format: json", "a control file has a 'file', and no 'sums'"),
    ("format: trailer", "{file}, format: trailer", "a trailer has no 'file', and columns"),
    ("columns: {rows: 总笔数, total: 总金额}", "encoding: utf-8", "a trailer has no 'file', and"),
    (", total: 总金额}", ", total: 总金额, sha256: 摘要}", "a trailer has no 'file', and columns"),
    ("          control_total: paid_fen\n", "", "belongs to a source of one table, in csv, with"),
    ("format: csv", "format: jsonl", "belongs to a source of one table, in csv, with"),
    (
        "{back_fen: 退款总额}",
        "{order_no: 退款总额}",
        "sums: 'order_no' is no further amount of bill",
    ),
    ("{back_fen: 退款总额}", "{paid_fen: 退款总额}", "sums: 'paid_fen' is no further amount"),
    ("{back_fen: 退款总额}", "{back_fen: 总金额}", "header '总金额' is described twice"),
]


@pytest.mark.parametrize(("old", "new", "reason"), MISTAKES)
def test_a_mistake_in_what_the_contract_says_of_the_summary_is_named(
    house: House, old: str, new: str, reason: str
) -> None:
    assert old in BANK
    file = 'file: "对账_{yyyymmdd}.csv"\n        format: trailer'
    text = BANK.replace(old, file if "{file}" in new else new)
    house.contract_file("bank").write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as caught:
        load_source(house.settings.dbt_project, "bank")
    assert reason in str(caught.value)


def test_a_source_with_a_trailer_has_no_second_table(house: House) -> None:
    head, tables = BANK.split("    tables:\n")
    second = tables.replace("name: bill", "name: other").replace("账单", "别单")
    house.contract_file("bank").write_text(f"{head}    tables:\n{tables}{second}", "utf-8")
    with pytest.raises(Problem, match="belongs to a source of one table"):
        load_source(house.settings.dbt_project, "bank")
