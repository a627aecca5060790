"""The channel's split bill as its contract reads it: back-ticks, yuan, and details that add up."""

import gzip
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.contract import load_source
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from ingest.load import load
from tests.ingest.small_house import DAY, House, build_house, refusal

HEADERS = (
    "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,商户分账/回退单号,订单金额,"
    "分账接收方,金额,业务类型,处理状态,分账描述,备注"
)
SPLIT = (
    "`2026-10-29 09:00:01,`1604417025,`1604417025,`4200001,`3008001,`3601001,`R1-1-S,`100.00,"
    "`S0012,`91.40,`分账,`处理完成,`商户分账,`"
)
RETURN = (
    "`2026-10-29 09:00:02,`1604417025,`1604417025,`4200002,`3008102,`3601102,`R2-1-R,`80.5,"
    "`S0013,`30.46,`分账回退,`处理完成,`,`"
)
SUMMARY = "总笔数,总金额"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return with_contract(tmp_path)


def with_contract(folder: Path) -> House:
    """A small house that reads the split bill by the platform's own contract."""
    house = build_house(folder)
    target = house.contract_file("splits")
    target.parent.mkdir()
    own = load_settings().dbt_project / "models" / "staging" / "splits" / target.name
    shutil.copyfile(own, target)
    return house


def bill(*lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8-sig")


def put(house: House, *lines: str) -> None:
    house.put("splits", DAY, "微信分账账单_{d}.csv", bill(*lines))


def test_a_bill_is_read_without_its_back_ticks_and_in_fen(house: House) -> None:
    put(house, HEADERS, SPLIT, RETURN, SUMMARY, "`2,`121.86")
    [record] = load(house.settings, "splits", DAY)
    assert (record["status"], record["row_count"], record["total_fen"]) == ("accepted", 2, 12_186)
    first, second = house.raw("splits", "split_lines")
    assert {name: value for name, value in first.items() if not name.startswith("_")} == {
        "split_at": datetime(2026, 10, 29, 1, 0, 1),
        "initiator_no": "1604417025",
        "payer_no": "1604417025",
        "wechat_order_no": "4200001",
        "wechat_split_no": "3008001",
        "detail_no": "3601001",
        "request_no": "R1-1-S",
        "order_fen": 10_000,
        "receiver_no": "S0012",
        "amount_fen": 9_140,
        "split_kind": "split",
        "split_status": "处理完成",
        "description": "商户分账",
        "remark": None,
        "business_date": DAY,
    }
    assert (second["order_fen"], second["amount_fen"], second["split_kind"]) == (
        *(8_050, 3_046),
        "return",
    )


def test_a_bill_may_come_packed_and_a_day_may_have_no_splits(house: House) -> None:
    whole = gzip.compress(bill(HEADERS, SPLIT, SUMMARY, "`1,`91.40"), mtime=0)
    house.put("splits", DAY, "微信分账账单_{d}.csv.gz", whole)
    assert load(house.settings, "splits", DAY)[0]["row_count"] == 1
    house.put("splits", DAY + timedelta(1), "微信分账账单_{d}.csv", bill(HEADERS, SUMMARY, "`0,`0"))
    [record] = load(house.settings, "splits", DAY + timedelta(1))
    assert (record["status"], record["row_count"]) == ("accepted", 0)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ("`3,`121.86", "has 2 rows, its summary says 3"),
        ("`1,`121.86", "has 2 rows, its summary says 1"),
        ("`2,`121.87", "12186 fen in amount_fen, its summary says 12187 fen"),
        ("`2,`121.85", "12186 fen in amount_fen, its summary says 12185 fen"),
        ("`2,`60.94", "12186 fen in amount_fen, its summary says 6094 fen"),  # returns netted
        ("`2", "does not end with its summary (总笔数, …)"),
    ],
)
def test_totals_that_do_not_agree_with_the_details_refuse_the_bill(
    house: House, values: str, reason: str
) -> None:
    put(house, HEADERS, SPLIT, RETURN, SUMMARY, values)
    found = refusal(house, "splits")
    assert reason in found
    assert "微信分账账单_20261029.csv" in found


def test_a_bill_cut_anywhere_is_never_accepted(house: House) -> None:
    whole = bill(HEADERS, SPLIT, SUMMARY, "`1,`91.40")
    for length in range(len(whole)):
        house.put("splits", DAY, "微信分账账单_{d}.csv", whole[:length])
        assert refusal(house, "splits")


@pytest.mark.parametrize("header", ["微信分账/回退单号", "分账接收方", "金额", "业务类型"])
def test_a_bill_without_a_column_is_refused_and_the_column_named(house: House, header: str) -> None:
    put(house, HEADERS.replace(f",{header},", ",别的列,"), SPLIT, SUMMARY, "`1,`91.40")
    found = refusal(house, "splits")
    assert f"column '{header}' is missing" in found
    assert "微信分账账单_20261029.csv" in found


BAD = [
    ("`S0012", "`", "91.40", "required", "receiver_no", None),
    ("`分账,", "`解冻,", "91.40", "allowed", "split_kind", "解冻"),
    ("`91.40", "`0.00", "0.00", "min", "amount_fen", "0.00"),
    ("`91.40", "`-0.01", "-0.01", "min", "amount_fen", "-0.01"),
    ("`91.40", "`91.405", "0.00", "type", "amount_fen", "91.405"),
    ("`91.40", "`九十一", "0.00", "type", "amount_fen", "九十一"),
    (
        "`2026-10-29 09:00:01",
        "`2026-10-32 09:00:01",
        "91.40",
        "type",
        "split_at",
        "2026-10-32 09:00:01",
    ),
    (",`备注", "", "0.00", "field_count", None, None),
]


@pytest.mark.parametrize(("old", "new", "fen", "rule", "column", "value"), BAD)
def test_a_bad_line_is_kept_aside_with_its_file_row_and_column(
    house: House,
    old: str,
    new: str,
    fen: str,
    rule: str,
    column: str | None,
    value: str | None,
) -> None:
    line = SPLIT + "备注"
    assert old in line
    total = f"{30.46 + float(fen):.2f}"
    put(house, HEADERS, RETURN, line.replace(old, new, 1), SUMMARY, f"`2,`{total}")
    [record] = load(house.settings, "splits", DAY)
    assert (record["status"], record["quarantined_count"]) == ("accepted", 1)
    [aside] = house.quarantined("splits", "split_lines")
    assert (aside["source_row"], aside["rule"]) == (2, rule)
    assert (aside["column_name"], aside["value"]) == (column, value)
    assert aside["source_file"] == "2026-10-29/微信分账账单_20261029.csv"
    assert [row["_source_row"] for row in house.raw("splits", "split_lines")] == [1]


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
NAMES = TEXTS.filter(lambda text: not text.startswith("`"))
SECONDS = st.integers(4 * 3_600, 86_399)
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "second": SECONDS,
            "receiver_no": NAMES,
            "order_fen": st.integers(1, 10**10),
            "amount_fen": st.integers(1, 10**10),
            "split_kind": st.sampled_from(["split", "return"]),
            "description": st.none() | NAMES,
        }
    ),
    max_size=6,
)


@given(LINES)
@settings(max_examples=40)
def test_what_is_written_as_a_bill_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> None:
    house = with_contract(tmp_path_factory.mktemp("house"))
    source = load_source(house.settings.dbt_project, "splits")
    rows = [
        {name: value for name, value in line.items() if name != "second"}
        | {
            "split_at": midnight(DAY) + timedelta(seconds=line["second"]),
            "detail_no": f"D{place}",
            "split_status": "处理完成",
        }
        | dict.fromkeys(("initiator_no", "payer_no", "wechat_order_no"), "1")
        | dict.fromkeys(("wechat_split_no", "request_no"), "2")
        for place, line in enumerate(lines)
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    write_delivery(house.lake, source, DAY, {"split_lines": frame})
    [record] = load(house.settings, "splits", DAY)
    assert record["status"] == "accepted", record["reason"]
    assert record["total_fen"] == sum(row["amount_fen"] for row in rows)
    found = house.raw("splits", "split_lines")
    assert house.quarantined("splits", "split_lines") == []
    for row, read in zip(rows, found, strict=True):
        local = {"split_at": read["split_at"].replace(tzinfo=None) + timedelta(hours=8)}
        assert row == {name: (read | local)[name] for name in row}


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)
