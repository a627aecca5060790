"""Encodings and containers of text files: what was declared, or nothing."""

import gzip
import hashlib
import io
import re
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.load import load
from tests.ingest.small_house import (
    DAY,
    SALE_HEADERS,
    House,
    build_house,
    csv_bytes,
    refusal,
    sale,
)

# One character of each block of ideographs, among them some that GBK does not have.
IDEOGRAPHS = "一㐀𠀀𪜀𫝀𫠠𬺰𰀀𱍐豈丽〇"
ENCODINGS = ["gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return build_house(tmp_path)


def declare(house: House, **changes: str) -> None:
    """Change the meta of the shop's sales."""
    contract = house.contract_file("shop")
    head, tail = contract.read_text(encoding="utf-8").split("- name: sales", 1)
    for name, value in changes.items():
        tail = re.sub(rf"{name}: \S+", f"{name}: {value}", tail, count=1)
    contract.write_text(f"{head}- name: sales{tail}", encoding="utf-8")


def put_sales(house: House, data: bytes, rows: int = 1, name: str = "销售_{d}.csv") -> None:
    house.deliver_shop([], total=f"{rows}.00", rows=rows)
    (house.lake.landing("shop", DAY) / "销售_20261029.csv").unlink()
    path = house.put("shop", DAY, name, data)
    control = house.lake.landing("shop", DAY) / "对账_20261029.csv"
    text = control.read_bytes().decode("gb18030").replace("销售_20261029.csv", path.name)
    control.write_bytes(text.encode("gb18030"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_ideograph_survives_every_declared_encoding(house: House, encoding: str) -> None:
    declare(house, encoding=encoding)
    rows = [["R1", 1, IDEOGRAPHS, "2026-10-29 12:00:00", "销售", "1.00"]]
    put_sales(house, csv_bytes(SALE_HEADERS, rows, encoding))
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["card"] == IDEOGRAPHS


# Declared and written encodings that give the same bytes, or are forms of each other.
SAME = {("gb18030", "gbk"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le")}
OTHERS = [
    (declared, written)
    for declared in ENCODINGS
    for written in [*ENCODINGS, "gbk", "big5"]
    if declared != written and (declared, written) not in SAME
]


@pytest.mark.parametrize(("declared", "written"), OTHERS)
def test_another_encoding_than_declared_is_refused(
    house: House, declared: str, written: str
) -> None:
    declare(house, encoding=declared)
    rows = [["R1", 1, "陳大文", "2026-10-29 12:00:00", "", "1.00"]]
    headers = SALE_HEADERS
    if written == "big5":
        headers = ["小票", "行號", "卡號", "時間", "類型", "實付"]
    put_sales(house, csv_bytes(headers, rows, written))
    assert refusal(house)


def test_utf_8_text_under_latin_headers_is_not_taken_for_gb18030(house: House) -> None:
    contract = house.contract_file("shop")
    cards, text = contract.read_text(encoding="utf-8").split("- name: sales")
    for header in SALE_HEADERS:
        text = text.replace(
            f"meta: {{header: {header}", f"meta: {{header: h{header.encode().hex()}"
        )
    contract.write_text(f"{cards}- name: sales{text}", encoding="utf-8")
    headers = [f"h{header.encode().hex()}" for header in SALE_HEADERS]
    rows = [["R1", 1, "司马相如", "2026-10-29 12:00:00", "", "1.00"]]
    put_sales(house, csv_bytes(headers, rows, "utf-8"))
    assert "is utf-8, not gb18030" in refusal(house)
    put_sales(house, csv_bytes(headers, rows, "gb18030"))
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["card"] == "司马相如"


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_text_may_come_packed_and_no_cut_of_it_is_accepted(house: House, kind: str) -> None:
    text = csv_bytes(SALE_HEADERS, [sale("R1")])
    packed = gzip.compress(text, mtime=0)
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("sales.csv", text)
        packed = buffer.getvalue()
    name = f"销售_{{d}}.csv.{kind}"
    for length in range(len(packed)):
        put_sales(house, packed[:length], name=name)
        assert refusal(house)
    put_sales(house, packed, name=name)
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["receipt"] == "R1"


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_bit_is_refused_where_the_control_file_digests(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    house = build_house(tmp_path_factory.mktemp("house"))
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("total: 合计}", "total: 合计, sha256: 摘要}"))
    house.deliver_shop([sale("R1"), sale("R2", "2.00")], total="3.00")
    landing = house.lake.landing("shop", DAY)
    path = landing / "销售_20261029.csv"
    data = bytearray(path.read_bytes())
    control = [
        ["会员_20261029.csv", 0, "", ""],
        [path.name, 2, "3.00", hashlib.sha256(data).hexdigest()],
    ]
    headers = ["文件名", "行数", "合计", "摘要"]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(headers, control))
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(bytes(data))
    assert "is not the file that its control file digested" in refusal(house)


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
@settings(max_examples=60)
def test_a_flipped_bit_never_changes_rows_or_amounts_unseen(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    house = build_house(tmp_path_factory.mktemp("house"))
    house.deliver_shop([sale("R1"), sale("R2", "2.00")], total="3.00")
    path = house.lake.landing("shop", DAY) / "销售_20261029.csv"
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1 << bit
    path.write_bytes(bytes(data))
    for record in load(house.settings, "shop", DAY):
        if record["status"] == "accepted" and record["table_name"] == "sales":
            rows = house.raw("shop", "sales")
            refused = house.quarantined("shop", "sales")
            assert len(rows) + len(refused) == 2
            assert record["kept_total_fen"] + record["quarantined_total_fen"] == 300


def test_a_carriage_return_within_the_headers_refuses_the_file(house: House) -> None:
    text = csv_bytes(SALE_HEADERS, [sale("R1")]).replace(b",", b"\r,", 1)
    put_sales(house, text)
    assert "its first line is no line of headers" in refusal(house)
    house.deliver_shop([sale("R1")], total="1.00")
    house.put("shop", DAY, "对账_{d}.csv", "文件名\r,行数,合计\r\n".encode("gb18030"))
    assert "is not a control row" in refusal(house)


def test_another_delimiter_is_declared_not_guessed(house: House) -> None:
    text = csv_bytes(SALE_HEADERS, [sale("R1")]).replace(b",", b"|")
    put_sales(house, text)
    assert "column '小票' is missing" in refusal(house)
    contract = house.contract_file("shop")
    declared = 'key: [receipt, line]\n          delimiter: "|"'
    contract.write_text(contract.read_text("utf-8").replace("key: [receipt, line]", declared))
    load(house.settings, "shop", DAY)
    assert house.raw("shop", "sales")[0]["receipt"] == "R1"


def test_a_workbook_is_read_like_any_other_file(house: House) -> None:
    declare(house, format="xlsx", file='"销售_{yyyymmdd}.xlsx"')
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("销售")
        stamp = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(0, 0, SALE_HEADERS)
        for row in (1, 2, 3):
            sheet.write_row(row, 0, [f"R{row}", 1, 13800000001])
            sheet.write_number(row, 3, 46324.5, stamp)  # 29 October 2026, noon
            sheet.write_row(row, 4, ["销售", 39.9])
        sheet.write_formula(3, 5, "=1/0", None, "#DIV/0!")
    put_sales(house, buffer.getvalue(), rows=3, name="销售_{d}.xlsx")
    control = house.lake.landing("shop", DAY) / "对账_20261029.csv"
    control.write_bytes(control.read_bytes().replace(b"3.00", b"79.80"))
    load(house.settings, "shop", DAY)
    first, second = house.raw("shop", "sales")
    assert (first["receipt"], first["card"], first["paid_fen"]) == ("R1", "13800000001", 3990)
    assert str(first["sold_at"]) == "2026-10-29 04:00:00"
    assert second["_source_row"] == 2
    [refused] = house.quarantined("shop", "sales")
    assert (refused["source_row"], refused["rule"]) == (3, "cell_error")
