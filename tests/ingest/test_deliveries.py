"""Deliveries: in whatever order, parts and repetitions they come, the same rows count."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from ingest.core.errors import Problem
from ingest.load import load
from tests.ingest.small_house import (
    CARD_HEADERS,
    DAY,
    NEXT_DAY,
    SALE_HEADERS,
    House,
    build_house,
    csv_bytes,
    read,
    refusal,
    sale,
)
from tests.ingest.what_counts import counting_rows, digest, outcomes

DAYS = [DAY + timedelta(days=number) for number in range(4)]
CONTROL_HEADERS = ["文件名", "行数", "合计"]
Row = list[Any]


@dataclass(frozen=True)
class Shipment:
    """A delivery of the shop, before it is cut into files."""

    day: date
    sequence: int
    sales: tuple[Row, ...]
    cards: tuple[Row, ...] = ()


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build_house(tmp_path)
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("account: card", "account: card\n          mode: upsert"))
    return house


def ship(house: House, night: date, shipment: Shipment, parts: int = 1) -> None:
    """Put a delivery into a night's landing folder, each table cut into so many files."""
    stamp = f"{shipment.day:%Y%m%d}"
    suffix = "" if shipment.sequence == 1 else f"_{shipment.sequence}"
    control = []
    for name, headers, rows in (
        ("销售", SALE_HEADERS, shipment.sales),
        ("会员", CARD_HEADERS, shipment.cards),
    ):
        for part in range(parts):
            own = list(rows[part::parts])
            file_name = f"{name}_{stamp}{suffix}-p{part}.csv"
            house.put("shop", night, file_name, csv_bytes(headers, own))
            total = sum((Decimal(row[-1]) for row in own), Decimal()) if name == "销售" else ""
            control.append([file_name, len(own), total])
    house.put("shop", night, f"对账_{stamp}{suffix}.csv", csv_bytes(CONTROL_HEADERS, control))


def card(number: str, name: str) -> Row:
    return [number, name, "13800000001", "1990-02-03", "上海市", "是"]


def at(day: date) -> str:
    return f"{day} 12:00:00"


def shipments() -> list[Shipment]:
    """Four days: a correction, a repetition, an overlap, a contradiction, a customer who moves."""
    first, second, third, fourth = DAYS
    return [
        Shipment(
            first,
            1,
            (sale("R1", "1.00", at(first)), sale("R2", "2.00", at(first))),
            (card("C1", "张伟"), card("C2", "李娜")),
        ),
        Shipment(first, 2, (sale("R2", "2.50", at(first)),)),
        Shipment(
            second,
            1,
            (
                sale("R1", "1.00", at(first)),  # an overlap that agrees
                sale("R3", "3.00", at(second)),
                sale("R3", "3.00", at(second)),
                sale("R4", "4.00", at(second)),
            ),
            (card("C1", "张伟伟"),),
        ),
        Shipment(third, 1, (sale("R4", "4.04", at(second)), sale("R5", "5.00", at(third)))),
        Shipment(fourth, 1, (sale("R6", "6.00", at(fourth)),), (card("C2", "李娜娜"),)),
        Shipment(fourth, 2, (), (card("C2", "李娜"),)),
    ]


def arrivals(seed: int) -> Iterator[tuple[date, Shipment, int]]:
    """Each delivery on a night from its own day on, in parts; some of them twice."""
    chance = np.random.default_rng(seed)
    for shipment in shipments():
        nights = [day for day in DAYS if day >= shipment.day]
        for _ in range(1 + int(chance.random() < 0.3)):
            yield nights[chance.integers(len(nights))], shipment, int(chance.integers(1, 4))


def test_rows_are_corrected_repeated_and_contradicted(house: House) -> None:
    for shipment in shipments():
        ship(house, shipment.day, shipment)
    for night in DAYS:
        load(house.settings, "shop", night)
    rows = counting_rows(house, "shop", "sales", DAYS[-1])
    assert sorted((row["receipt"], row["paid_fen"]) for row in rows) == [
        ("R1", 100),
        ("R2", 250),  # the correction
        ("R3", 300),
        ("R5", 500),  # R4 says 4.00 and 4.04, and nobody knows which is right
        ("R6", 600),
    ]
    assert outcomes(house, "shop", "sales", DAYS[-1]) == {
        "duplicate": (2, 400),
        "loaded": (5, 1_750),
        "quarantined": (2, 804),
        "superseded": (1, 200),
    }
    cards = counting_rows(house, "shop", "cards", DAYS[-1])
    assert {row["card"]: row["load_date"] for row in cards} == {"C1": DAYS[1], "C2": DAYS[3]}


def test_what_was_known_on_an_earlier_night_stays_what_it_was(house: House) -> None:
    for shipment in shipments():
        ship(house, shipment.day, shipment)
    for night in DAYS:
        load(house.settings, "shop", night)
    rows = counting_rows(house, "shop", "sales", DAYS[1])
    assert {row["receipt"] for row in rows} == {"R1", "R2", "R3", "R4"}


def test_fifty_orders_and_splits_of_the_same_deliveries_give_one_digest(
    tmp_path_factory: pytest.TempPathFactory, house: House
) -> None:
    digests = set()
    for seed in range(50):
        world = House(
            settings=type(house.settings)(
                **{**vars(house.settings), "lake": tmp_path_factory.mktemp("lake")}
            )
        )
        for night, shipment, parts in arrivals(seed):
            ship(world, night, shipment, parts)
        for night in DAYS:
            load(world.settings, "shop", night)
        digests.add(digest(world, "shop", DAYS[-1]))
    assert len(digests) == 1


def test_the_files_of_one_delivery_may_be_permuted_and_renamed(house: House) -> None:
    first = shipments()[0]
    ship(house, DAY, first)
    load(house.settings, "shop", DAY)
    before = digest(house, "shop", DAY)
    for path in house.lake.landing("shop", DAY).iterdir():
        path.unlink()
    reordered = Shipment(first.day, first.sequence, first.sales[::-1], first.cards[::-1])
    ship(house, DAY, reordered, parts=2)
    load(house.settings, "shop", DAY)
    assert digest(house, "shop", DAY) == before


def test_a_contradiction_within_a_correction_leaves_what_it_wanted_to_correct(
    house: House,
) -> None:
    ship(house, DAY, Shipment(DAY, 1, (sale("R1", "1.00"),)))
    load(house.settings, "shop", DAY)
    ship(house, NEXT_DAY, Shipment(DAY, 2, (sale("R1", "2.00"), sale("R1", "3.00"))))
    load(house.settings, "shop", NEXT_DAY)
    [row] = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert row["paid_fen"] == 100
    assert outcomes(house, "shop", "sales", NEXT_DAY) == {
        "loaded": (1, 100),
        "quarantined": (2, 500),
    }
    ship(house, NEXT_DAY, Shipment(DAY, 3, (sale("R1", "3.00"),)))
    load(house.settings, "shop", NEXT_DAY)
    assert outcomes(house, "shop", "sales", NEXT_DAY) == {
        "loaded": (1, 300),
        "superseded": (3, 600),
    }


def test_the_control_file_may_say_the_sequence_of_a_file(house: House) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("total: 合计}", "total: 合计, sequence: 版次}"))
    house.deliver_shop([sale("R1", "1.00")], total="1.00")
    load(house.settings, "shop", DAY)
    house.deliver_shop([sale("R1", "1.01", at(DAY))], total="1.01", day=NEXT_DAY)
    control = [["会员_20261030.csv", 0, "", ""], ["销售_20261030.csv", 1, "1.01", 2]]
    house.put("shop", NEXT_DAY, "对账_{d}.csv", csv_bytes([*CONTROL_HEADERS, "版次"], control))
    load(house.settings, "shop", NEXT_DAY)
    [row] = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert row["paid_fen"] == 101


@pytest.mark.parametrize(
    ("sequence", "digest_of", "reason"),
    [
        ("0", None, "sequence 0 of"),
        ("1000", None, "sequence 1000 of"),
        ("", "00" * 32, "is not the file that its control file digested"),
        ("", "00" * 31, "SHA-256 of"),
    ],
)
def test_a_control_file_that_cannot_be_meant_is_refused(
    house: House, sequence: str, digest_of: str | None, reason: str
) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("total: 合计}", "total: 合计, sequence: 版次, sha256: 摘要}"))
    house.deliver_shop([sale("R1")], total="1.00")
    headers = [*CONTROL_HEADERS, "版次", "摘要"]
    control = [
        ["会员_20261029.csv", 0, "", "", ""],
        ["销售_20261029.csv", 1, "1.00", sequence, digest_of or ""],
    ]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(headers, control))
    assert reason in refusal(house)


def test_only_a_delivery_that_is_refused_is_left_out(house: House) -> None:
    ship(house, NEXT_DAY, Shipment(DAY, 1, (sale("R1", "1.00"),)))
    ship(house, NEXT_DAY, Shipment(NEXT_DAY, 1, (sale("R2", "2.00", at(NEXT_DAY)),)))
    house.put("shop", NEXT_DAY, "对账_20261030_2.csv", b"\xff")
    records = load(house.settings, "shop", NEXT_DAY)
    assert [(row["table_name"], row["status"]) for row in records] == [
        ("sales", "accepted"),
        ("cards", "accepted"),
        ("sales", "accepted"),
        ("cards", "accepted"),
        ("control", "refused"),
    ]
    rows = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert {row["receipt"] for row in rows} == {"R1", "R2"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("销售_20261030.csv", "is no file of 2026-10-29 in the contract of shop"),
        ("../销售_20261029.csv", "is no plain file name"),
        ("客户_20261029.csv", "is no file of 2026-10-29"),
    ],
)
def test_a_name_that_was_not_agreed_refuses_the_delivery(
    house: House, name: str, reason: str
) -> None:
    house.deliver_shop([sale("R1")], total="1.00")
    control = [["会员_20261029.csv", 0, ""], [name, 1, "1.00"]]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(CONTROL_HEADERS, control))
    assert reason in refusal(house)


def test_a_first_delivery_names_every_table_and_a_delivery_is_never_of_tomorrow(
    house: House,
) -> None:
    house.deliver_shop([sale("R1")], total="1.00")
    control = [["销售_20261029.csv", 1, "1.00"]]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(CONTROL_HEADERS, control))
    assert "names no file of cards; a first delivery holds every table" in refusal(house)
    house.put("shop", DAY, "对账_20261030.csv", csv_bytes(CONTROL_HEADERS, control))
    controls = [
        record for record in load(house.settings, "shop", DAY) if record["table_name"] == "control"
    ]
    assert "is of 2026-10-30, which is after 2026-10-29" in str(controls[-1]["reason"])


def test_a_first_delivery_may_leave_out_a_table_that_is_optional_and_bring_it_another_day(
    house: House,
) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    optional = text.replace("account: card", "account: card\n          optional: true")
    contract.write_text(optional, encoding="utf-8")
    house.deliver_shop([sale("R1")], total="1.00")
    control = [["销售_20261029.csv", 1, "1.00"]]
    house.put("shop", DAY, "对账_{d}.csv", csv_bytes(CONTROL_HEADERS, control))
    (house.lake.landing("shop", DAY) / "会员_20261029.csv").unlink()
    records = load(house.settings, "shop", DAY)
    assert [(row["table_name"], row["status"]) for row in records] == [("sales", "accepted")]
    card = ["C1", "王芳", "", "", "", "是"]
    house.deliver_shop([], [card], day=NEXT_DAY)
    load(house.settings, "shop", NEXT_DAY)
    assert [row["card"] for row in house.raw("shop", "cards", NEXT_DAY)] == ["C1"]


def test_a_link_in_the_landing_folder_is_refused(house: House, tmp_path: Path) -> None:
    house.deliver_shop([sale("R1")], total="1.00")
    path = house.lake.landing("shop", DAY) / "销售_20261029.csv"
    path.rename(tmp_path / "elsewhere.csv")
    path.symlink_to(tmp_path / "elsewhere.csv")
    assert "is missing, or no plain file" in refusal(house)


@pytest.mark.parametrize(
    ("name", "table"),
    [("销售_{d}-p2.csv", "sales"), ("会员_{d}_2.csv.gz", "cards"), ("退货_{d}.csv", "unknown")],
)
def test_a_file_that_no_control_file_names_is_in_the_ledger_unread(
    house: House, name: str, table: str
) -> None:
    house.deliver_shop([sale("R1")], total="1.00")
    path = house.put("shop", DAY, name, csv_bytes(SALE_HEADERS, [sale("R2")]))
    *others, record = load(house.settings, "shop", DAY)
    assert {other["status"] for other in others} == {"accepted"}
    assert (record["status"], record["table_name"], record["sequence"]) == ("refused", table, 0)
    assert record["source_file"] == f"2026-10-29/{path.name}"
    assert "was not read: no control file of it was taken in; ask for it" in str(record["reason"])
    assert [row["receipt"] for row in house.raw("shop", "sales")] == ["R1"]


@pytest.mark.parametrize("rows", [1, 4])
def test_a_file_outside_its_volume_band_is_refused(house: House, rows: int) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(
        text.replace("key: [receipt", "volume: {min_rows: 2, max_rows: 3}\n          key: [receipt")
    )
    for taken in (2, 3):
        house.deliver_shop([sale(f"R{i}") for i in range(taken)], total=f"{taken}.00")
        assert load(house.settings, "shop", DAY)[-1]["row_count"] == taken
    house.deliver_shop([sale(f"R{i}") for i in range(rows)], total=f"{rows}.00")
    reason = refusal(house)
    assert f"has {rows} rows, the contract of sales expects 2 to 3" in reason


def test_a_source_that_blocks_the_night_stops_its_load_and_writes_nothing(house: House) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("control:", "lateness: {policy: block}\n      control:", 1))
    with pytest.raises(Problem, match="shop blocks the night: it has delivered nothing for 2026"):
        load(house.settings, "shop", DAY)
    house.deliver_shop([sale("R1")], total="1.01")
    with pytest.raises(Problem, match=r"shop blocks the night: .* adds up to 100 fen"):
        load(house.settings, "shop", DAY)
    assert not (house.lake.root / "raw").exists()


def test_days_without_a_night_are_awaited_by_the_next_one(house: House) -> None:
    for night in (DAY, DAY + timedelta(days=3)):
        house.deliver_shop([], day=night)
        load(house.settings, "shop", night)
    last = read(house.lake.expected("shop", DAY + timedelta(days=3)))
    assert [row["business_date"] for row in last] == [DAY + timedelta(days=n) for n in (1, 2, 3)]
    assert [row["business_date"] for row in read(house.lake.expected("shop", DAY))] == [DAY]


def test_a_header_that_a_sender_used_before_is_known(house: House) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("header: 实付,", "header: 实付, aliases: [实收, paid],"))
    for header in ("实付", "实收", "paid"):
        house.deliver_shop([sale("R1")], total="1.00")
        headers = [*SALE_HEADERS[:-1], header]
        house.put("shop", DAY, "销售_{d}.csv", csv_bytes(headers, [sale("R1")]))
        assert load(house.settings, "shop", DAY)[-1]["status"] == "accepted"
    rows = [[*sale("R1"), "1.00"]]
    house.put("shop", DAY, "销售_{d}.csv", csv_bytes([*SALE_HEADERS, "paid"], rows))
    assert "headers '实付' and 'paid' are the same column" in refusal(house)


def test_a_file_of_many_parts_keeps_its_rows_in_order_and_in_full_groups(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.readers.csv_files.BLOCK_BYTES", 256)
    monkeypatch.setattr("ingest.staged.ROW_GROUP_ROWS", 16)
    rows = [sale(f"R{i}", "x" if i in (0, 30, 49) else "1.00") for i in range(50)]
    rows[10] = rows[10][:-1]
    house.deliver_shop(rows, total="46.00")
    load(house.settings, "shop", DAY)
    numbers = [row["_source_row"] for row in house.raw("shop", "sales")]
    assert numbers == [n for n in range(1, 51) if n not in (1, 11, 31, 50)]
    refused = [(row["source_row"], row["rule"]) for row in house.quarantined("shop", "sales")]
    assert refused == [(1, "type"), (11, "field_count"), (31, "type"), (50, "type")]
    [path] = house.lake.partition("raw", "shop", "sales", DAY).glob("*.parquet")
    groups = pq.ParquetFile(path).metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [16, 16, 14]
