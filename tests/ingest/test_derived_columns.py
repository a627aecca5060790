"""Extracts as other makers' tills export them: floating point, no line numbers, no amounts."""

import io
import json
import math
import os
import shutil
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import create_demo_keys
from ingest.core.settings import PROJECT, load_settings
from ingest.load import load
from ingest.quarantine import quarantined_rows
from ingest.quarantine_commands import main as quarantine
from ingest.readers.ordinals import with_ordinals
from ingest.readers.rows import Rows
from ingest.values import fen, product
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, refusal

DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parent / "shared" / "data")
KIOSK = """
version: 2
sources:
  - name: kiosk
    meta:
      business: kiosk
      time_zone: Asia/Shanghai
      day_cut_off: "04:00"
      control: {file: "control_{yyyymmdd}.json", format: json}
    tables:
      - name: lines
        meta:
          file: "lines_{yyyymmdd}.parquet"
          format: parquet
          key: [slip, goods, copy_no]
          control_total: amount_fen
        columns:
          - {name: slip, data_type: varchar, meta: {header: Slip, floating: true, required: true}}
          - {name: goods, data_type: varchar, meta: {header: Goods, required: true}}
          - name: copy_no
            data_type: bigint
            meta: {ordinal_within: [slip, goods], required: true}
          - {name: quantity, data_type: bigint, meta: {header: Qty, floating: true, required: true}}
          - {name: price, data_type: varchar, meta: {header: Price, floating: true, required: true}}
          - name: amount_fen
            data_type: bigint
            meta: {product_of: [quantity, price], unit: yuan, required: true}
          - {name: buyer, data_type: varchar, meta: {header: Buyer, floating: true}}
"""
SCHEMA = {
    "Slip": pl.Float64,
    "Goods": pl.String,
    "Qty": pl.Float64,
    "Price": pl.Float64,
    "Buyer": pl.Float64,
}
Line = tuple[float, str, float, float | None, float | None]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build_house(tmp_path)
    path = house.contract_file("kiosk")
    path.parent.mkdir(parents=True)
    path.write_text(KIOSK, encoding="utf-8")
    return house


def deliver(house: House, lines: list[Line], total_fen: int, **other: Any) -> None:
    day = other.get("day", DAY)
    data = io.BytesIO()
    pl.DataFrame(lines, schema=SCHEMA, orient="row").write_parquet(data)
    path = house.put("kiosk", day, "lines_{d}.parquet", data.getvalue())
    entry = {"file": path.name, "rows": len(lines), "total_fen": total_fen}
    house.put("kiosk", day, "control_{d}.json", json.dumps({"files": [entry]}).encode())


def test_floating_point_is_read_as_the_decimal_that_was_meant(house: House) -> None:
    deliver(
        house,
        [(536365.0, "85123A", 6.0, 2.55, 17850.0), (7.0, "M", -1.0, 0.1 + 0.2, math.nan)],
        1530 - 30,  # 0.1 + 0.2 is 0.30000000000000004: more decimals than a price has
    )
    assert "adds up to 1530 fen" in refusal(house, "kiosk")
    deliver(
        house, [(536365.0, "85123A", 6.0, 2.55, 17850.0), (7.0, "M", -1.0, 0.3, math.nan)], 1500
    )
    load(house.settings, "kiosk", DAY)
    rows = house.raw("kiosk", "lines")
    assert [(r["slip"], r["quantity"], r["price"], r["amount_fen"], r["buyer"]) for r in rows] == [
        ("536365", 6, "2.55", 1530, "17850"),
        ("7", -1, "0.3", -30, None),
    ]


@pytest.mark.parametrize(("slip", "is_refused"), [(2.0**53 - 1, False), (2.0**53, True)])
def test_numbers_that_floating_point_cannot_tell_apart_refuse_the_file(
    house: House, slip: float, is_refused: bool
) -> None:
    deliver(house, [(slip, "M", 1.0, 1.0, None)], 100)
    if is_refused:
        assert "column 'slip' holds numbers beyond 9007199254740992" in refusal(house, "kiosk")
    else:
        load(house.settings, "kiosk", DAY)
        assert house.raw("kiosk", "lines")[0]["slip"] == "9007199254740991"


def test_equal_lines_of_a_slip_are_all_kept_and_numbered(house: House) -> None:
    line: Line = (1.0, "M", 1.0, 2.0, None)
    deliver(house, [line, (1.0, "N", 1.0, 2.0, None), line, (2.0, "M", 1.0, 2.0, None)], 800)
    load(house.settings, "kiosk", DAY)
    rows = house.raw("kiosk", "lines")
    assert [(row["slip"], row["goods"], row["copy_no"]) for row in rows] == [
        ("1", "M", 1),
        ("1", "N", 1),
        ("1", "M", 2),
        ("2", "M", 1),
    ]


LINES = st.lists(st.tuples(st.sampled_from("12"), st.sampled_from(["M", "N", None])), max_size=30)


@given(LINES, st.sets(st.integers(0, 30)))
def test_rows_are_numbered_alike_however_the_file_is_read_in_parts(
    lines: list[tuple[str, str | None]], cuts: set[int]
) -> None:
    table = load_source(load_settings().dbt_project, "outlet").table("invoice_lines")
    schema = {"invoice_no": pl.String, "stock_code": pl.String}
    frame = pl.DataFrame(lines, schema=schema, orient="row")
    borders = sorted({0, *(cut for cut in cuts if cut < len(lines)), len(lines)})
    parts = [Rows(frame.slice(start, end - start)) for start, end in pairwise(borders)]
    numbers = [
        number
        for part in with_ordinals(table, iter(parts))
        for number in part.frame["copy_no"].to_list()
    ]
    seen: Counter[tuple[str, str | None]] = Counter()
    expected = []
    for line in lines:
        seen[line] += 1
        expected.append(str(seen[line]))
    assert numbers == expected


NUMBERS = st.decimals(-10_000_000, 10_000_000, places=4)


@given(NUMBERS, NUMBERS)
def test_a_product_is_rounded_as_accountants_round(left: Decimal, right: Decimal) -> None:
    texts = [pl.lit(f"{value:f}") for value in (left, right)]
    found = pl.select(fen(product(*texts), "yuan")).item()
    assert found == int((left * right * 100).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("quantity", "price", "text"),
    [
        ("3", "0.005", "0.02"),
        ("-3", "0.005", "-0.02"),
        ("1", "0.004999", "0.00"),
        ("240", "0.001", "0.24"),
        ("1", "0.0000001", None),
        ("1", "1e3", None),
        ("1", None, None),
    ],
)
def test_a_product_of_anything_but_plain_decimals_is_unknown(
    quantity: str, price: str | None, text: str | None
) -> None:
    assert pl.select(product(pl.lit(quantity), pl.lit(price, pl.String))).item() == text


def test_a_corrected_price_of_a_released_line_makes_a_new_amount(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.quarantine_commands.load_settings", lambda: house.settings)
    deliver(house, [(1.0, "M", 3.0, None, None)], 0)
    load(house.settings, "kiosk", DAY)
    source = load_source(house.settings.dbt_project, "kiosk")
    [row] = quarantined_rows(house.lake, source)
    assert (row.rule, row.column_name) == ("required", "price")
    who = ["--by", "王芳", "--reason", "查过价目"]
    with pytest.raises(Problem, match=r"amount_fen=9\.00 is not COLUMN=TEXT"):
        quarantine(["release", row.quarantine_id, *who, "--set", "amount_fen=9.00"])
    assert quarantine(["release", row.quarantine_id, *who, "--set", "price=2.55"]) == 0
    deliver(house, [], 0, day=NEXT_DAY)
    load(house.settings, "kiosk", NEXT_DAY)
    [released] = house.raw("kiosk", "lines", NEXT_DAY)
    assert (released["copy_no"], released["amount_fen"]) == (1, 765)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "format: parquet",
            "format: csv\n          encoding: utf-8",
            "only Parquet holds floating",
        ),
        (
            "[slip, goods], req",
            "[slip, copy_no], req",
            "copy_no: 'copy_no' is no column of the file",
        ),
        ("product_of: [quantity, price]", "product_of: [quantity, cost]", "'cost' is no column"),
        ("product_of: [quantity, price]", "product_of: [quantity]", "at least 2 items"),
        ("unit: yuan", "unit: fen", "'product_of' belongs on an amount in yuan"),
        (
            "bigint\n            meta: {ordinal_within",
            "varchar\n            meta: {ordinal_within",
            "'ordinal_within' belongs on a bigint column",
        ),
        (
            "{ordinal_within",
            "{header: Nr, ordinal_within",
            "is not in the file, so it has no header",
        ),
    ],
)
def test_a_derived_column_follows_from_columns_of_the_file(
    house: House, old: str, new: str, reason: str
) -> None:
    assert KIOSK.count(old) == 1
    house.contract_file("kiosk").write_text(KIOSK.replace(old, new), encoding="utf-8")
    with pytest.raises(Problem) as caught:
        load_source(house.settings.dbt_project, "kiosk")
    assert reason in str(caught.value)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no third-party data in {DATA} (MEMBER_DATA)")
def test_a_year_of_real_invoices_comes_in_as_it_is_and_adds_up_to_the_fen(tmp_path: Path) -> None:
    settings = load_settings(
        {"LAKE_ROOT": str(tmp_path / "lake"), "KEYS_FILE": str(tmp_path / "keys" / "house.json")}
    )
    create_demo_keys(settings.keys_file)
    house = House(settings)
    file = DATA / "pos" / "online_retail_2010-12_2011-12.parquet"
    night = pl.read_parquet(file)["InvoiceDate"].max().date()  # type: ignore[union-attr]
    landing = Lake(settings.lake).landing("outlet", night)
    landing.mkdir(parents=True)
    stamp = f"{night:%Y%m%d}"
    shutil.copy(file, landing / f"invoice_lines_{stamp}.parquet")
    headers = [
        column.header for column in load_source(settings.dbt_project, "outlet").tables[0].columns
    ]
    pl.DataFrame(schema=dict.fromkeys(headers, pl.String)).write_parquet(
        landing / f"customers_{stamp}.parquet"
    )
    # What the set's quantities times prices come to, line by line: 9,747,747.93.
    files = [
        {"file": f"customers_{stamp}.parquet", "rows": 0, "total_fen": None},
        {"file": f"invoice_lines_{stamp}.parquet", "rows": 541_909, "total_fen": 974_774_793},
    ]
    house.put("outlet", night, "control_{d}.json", json.dumps({"files": files}).encode())
    _, record = load(settings, "outlet", night)
    assert (record["status"], record["kept_count"], record["quarantined_count"]) == (
        "accepted",
        541_909,
        0,
    )
    folder = house.lake.partition("raw", "outlet", "invoice_lines", night)
    raw = pl.read_parquet(folder / "*.parquet", hive_partitioning=False)
    assert raw["amount_fen"].sum() == 974_774_793
    assert raw.select("invoice_no", "stock_code", "copy_no").n_unique() == 541_909
    assert raw["customer_id"].null_count() == 135_080
    assert raw.filter(pl.col("invoice_no").str.starts_with("C")).height == 9_288
