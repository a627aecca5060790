"""Deliveries in the form of their contract, byte for byte."""

import json
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.core.contract import load_source
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery, yuan_text
from ingest.readers import read_rows

DAY = date(2026, 9, 1)
DBT_PROJECT = load_settings().dbt_project


def write(lake: Path, source: str, tables: dict[str, pl.DataFrame]) -> Path:
    write_delivery(Lake(lake), load_source(DBT_PROJECT, source), DAY, tables)
    return lake / "landing" / source / "2026-09-01"


def test_csv_has_the_encoding_the_headers_the_words_and_the_yuan_of_the_contract(
    tmp_path: Path,
) -> None:
    tenders = pl.DataFrame(
        {
            "receipt_no": ["R1", "R1", "R2"],
            "tender_no": [1, 2, 1],
            "tender_type": ["card", "voucher", "cash"],
            "amount_fen": [12345, 5, -105],
            "voucher_no": [None, 'a,"b"', ""],
        }
    )
    folder = write(tmp_path, "pos", {"tenders": tenders})
    assert (folder / "付款明细_20260901.csv").read_bytes().decode("gb18030") == (
        "小票号,序号,付款方式,金额,积分数,券号\r\n"
        "R1,1,银行卡,123.45,,\r\n"
        'R1,2,代金券,0.05,,"a,""b"""\r\n'
        "R2,1,现金,-1.05,,\r\n"
    )


def test_the_control_csv_counts_rows_and_adds_up_yuan_of_every_table_also_of_empty_ones(
    tmp_path: Path,
) -> None:
    tenders = pl.DataFrame(
        {"receipt_no": ["R1", "R2"], "tender_no": [1, 1], "amount_fen": [12345, -105]}
    )
    members = pl.DataFrame({"member_no": ["7"], "is_marketing_consented": [True]})
    folder = write(tmp_path, "pos", {"tenders": tenders, "members": members})
    assert (folder / "对账_20260901.csv").read_bytes().decode("gb18030") == (
        "文件名,行数,合计金额\r\n"
        "商户档案_20260901.csv,0,\r\n"
        "会员档案_20260901.csv,1,\r\n"
        "销售流水_20260901.csv,0,0.00\r\n"
        "付款明细_20260901.csv,2,122.40\r\n"
    )


def test_csv_writes_booleans_as_yes_and_no_and_dates_as_iso(tmp_path: Path) -> None:
    members = pl.DataFrame(
        {
            "member_no": ["7", "8", "9"],
            "gender": ["male", "female", None],
            "is_mobile_verified": [None, True, False],
            "registered_date": [date(2026, 1, 31)] * 3,
            "is_marketing_consented": [True, False, True],
        }
    )
    folder = write(tmp_path, "pos", {"members": members})
    rows = (folder / "会员档案_20260901.csv").read_bytes().decode("gb18030").split("\r\n")
    assert rows[1:] == [
        "7,,,男,,,,,,2026-01-31,是",
        "8,,,女,,,是,,,2026-01-31,否",
        "9,,,,,,否,,,2026-01-31,是",
        "",
    ]


def test_a_byte_order_mark_comes_once_and_a_table_without_rows_is_its_header(
    tmp_path: Path,
) -> None:
    folder = write(tmp_path, "property", {})
    assert (folder / "units_20260901.csv").read_bytes() == b"\xef\xbb\xbf" + (
        "房号,小区,建筑面积\r\n".encode()
    )
    assert len(list(folder.iterdir())) == 5


def test_json_lines_hold_nulls_truth_values_local_times_and_exact_yuan(tmp_path: Path) -> None:
    folios = pl.DataFrame(
        {
            "folio_no": ["F1"],
            "closed_at": [datetime(2026, 9, 1, 12, 0, 5)],
            "audit_date": [date(2026, 9, 1)],
            "gross_fen": [66465],
            "paid_fen": [66465],
            "points_used": [0],
        }
    )
    folder = write(tmp_path, "hotel", {"folios": folios})
    assert (folder / "folios_20260901.jsonl").read_text(encoding="utf-8") == (
        '{"folio_no":"F1","stay_no":null,"guest_id":null,"closed_at":"2026-09-01 12:00:05",'
        '"audit_date":"2026-09-01","channel":null,"gross":"664.65","discount":null,'
        '"paid":"664.65","points_used":0,"original_folio_no":null}\n'
    )
    assert '"total_fen": 66465' in (folder / "manifest_20260901.json").read_text()
    assert (folder / "guests_20260901.jsonl").read_bytes() == b""


def test_json_lines_may_hold_a_column_under_the_header_that_some_senders_use(
    tmp_path: Path,
) -> None:
    events = pl.DataFrame(
        {"event_id": ["E1", "E2"], "offer_id": ["O1", None], "offer id": [None, "O2"]}
    )
    folder = write(tmp_path, "miniprogram", {"events": events})
    lines = (folder / "events_20260901.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["offer_id"] for line in lines] == ["O1", None]
    assert [json.loads(line)["offer id"] for line in lines] == [None, "O2"]
    table = load_source(DBT_PROJECT, "miniprogram").table("events")
    [rows] = read_rows(table, folder / "events_20260901.jsonl")
    assert rows.frame["offer_id"].to_list() == ["O1", "O2"]


def test_parquet_has_the_types_of_the_contract_also_without_rows(tmp_path: Path) -> None:
    folder = write(tmp_path, "parking", {})
    read = pq.read_table(folder / "payments_20260901.parquet")
    assert read.num_rows == 0
    assert [str(kind) for kind in read.schema.types] == [
        "string",
        "string",
        "timestamp[us]",
        "int64",
        "int64",
    ]


def test_parquet_holds_local_timestamps_without_a_zone_and_amounts_in_fen(tmp_path: Path) -> None:
    moment = datetime(2026, 9, 1, 23, 59, 59)
    payments = pl.DataFrame(
        {"payment_no": ["P1"], "paid_at": [moment], "paid_fen": [180], "points_used": [0]}
    )
    folder = write(tmp_path, "parking", {"payments": payments})
    read = pq.read_table(folder / "payments_20260901.parquet")
    assert read.to_pylist()[0]["paid_at"] == moment
    assert read.column("paid_fen") == pa.chunked_array([[180]])


def test_a_bill_has_a_sign_before_each_value_and_its_summary_at_its_end_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    trades = pl.DataFrame(
        {
            "order_no": ["R1-1", "R1-1"],
            "trade_status": ["paid", "refunded"],
            "paid_fen": [12345, 0],
            "refund_fen": [0, 345],
            "fee_fen": [74, -2],
        }
    )
    folder = write(tmp_path, "payments", {"trades": trades})
    [path] = folder.iterdir()
    assert path.name == "微信交易账单_20260901.csv"
    *rows, headers, values, end = path.read_bytes().decode("utf-8-sig").split("\r\n")
    assert rows[1:] == [
        "`,`,`,`,`,`,`R1-1,`,`,`SUCCESS,`,`,`123.45,`,`,`,`0.00,`,`,`,`,`,`0.74,`,`,`,`",
        "`,`,`,`,`,`,`R1-1,`,`,`REFUND,`,`,`0.00,`,`,`,`3.45,`,`,`,`,`,`-0.02,`,`,`,`",
    ]
    assert headers == (
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
    )
    assert (values, end) == ("`2,`123.45,`3.45,`0.00,`0.72,`0.00,`0.00", "")


def test_an_empty_bill_has_a_summary_of_zeros(tmp_path: Path) -> None:
    [path] = write(tmp_path, "payments", {}).iterdir()
    headers, _, values = path.read_bytes().decode("utf-8-sig").splitlines()
    assert headers.startswith("交易时间,公众账号ID,商户号,特约商户号,")
    assert values == "`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    frame = pl.DataFrame({"session_no": ["S1", "S2"], "lot_no": ["L", "L"]})
    first = write(tmp_path / "a", "parking", {"sessions": frame})
    second = write(tmp_path / "b", "parking", {"sessions": frame})
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_text_in_place_of_another_type_is_written_as_it_stands(tmp_path: Path) -> None:
    sales = pl.DataFrame({"receipt_no": ["R1"], "quantity": ["two"], "paid_fen": [1]})
    folder = write(tmp_path, "pos", {"sales": sales})
    row = (folder / "销售流水_20260901.csv").read_bytes().decode("gb18030").split("\r\n")[1]
    assert row == "R1,,,,,,,,,two,,,0.01,"


def test_a_word_that_the_contract_does_not_allow_is_written_as_it_stands(tmp_path: Path) -> None:
    tenders = pl.DataFrame({"receipt_no": ["R1"], "tender_type": ["cheque"], "amount_fen": [1]})
    folder = write(tmp_path, "pos", {"tenders": tenders})
    assert "R1,,cheque,0.01,," in (folder / "付款明细_20260901.csv").read_bytes().decode("gb18030")


def test_unknown_tables_and_columns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no table 'shops'"):
        write(tmp_path, "pos", {"shops": pl.DataFrame()})
    with pytest.raises(ValueError, match="no column colour"):
        write(tmp_path, "pos", {"sales": pl.DataFrame({"colour": ["red"]})})
    with pytest.raises(ValueError, match="no column offer id"):
        write(tmp_path, "miniprogram", {"orders": pl.DataFrame({"offer id": ["O1"]})})


def test_yuan_have_two_decimals_and_their_sign_in_front() -> None:
    assert [yuan_text(fen) for fen in (0, 5, -5, 100, -105)] == [
        "0.00",
        "0.05",
        "-0.05",
        "1.00",
        "-1.05",
    ]
