"""Three tiny systems whose files the tests write byte by byte, without the platform's help."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.lake import Lake
from ingest.core.privacy import create_demo_keys
from ingest.core.settings import Settings
from ingest.load import load

DAY = date(2026, 10, 29)
NEXT_DAY = date(2026, 10, 30)

SHOP = """
version: 2
sources:
  - name: shop
    meta:
      business: shop
      time_zone: Asia/Shanghai
      day_cut_off: "04:00"
      control:
        file: "对账_{yyyymmdd}.csv"
        format: csv
        encoding: gb18030
        columns: {file: 文件名, rows: 行数, total: 合计}
    tables:
      - name: cards
        meta:
          file: "会员_{yyyymmdd}.csv"
          format: csv
          encoding: gb18030
          key: [card]
          account: card
        columns:
          - {name: card, data_type: varchar, meta: {header: 卡号, required: true}}
          - {name: member_name, data_type: varchar, meta: {header: 姓名, personal: name}}
          - {name: mobile, data_type: varchar, meta: {header: 手机, personal: mobile}}
          - {name: born_date, data_type: date, meta: {header: 生日, personal: birth_date}}
          - {name: home, data_type: varchar, meta: {header: 地址, personal: address}}
          - {name: is_consented, data_type: boolean, meta: {header: 同意, required: true}}
      - name: sales
        meta:
          file: "销售_{yyyymmdd}.csv"
          format: csv
          encoding: gb18030
          key: [receipt, line]
          control_total: paid_fen
          business_date: {from: sold_at}
        columns:
          - {name: receipt, data_type: varchar, meta: {header: 小票, required: true}}
          - {name: line, data_type: bigint, meta: {header: 行号, required: true, min: 1, max: 99}}
          - {name: card, data_type: varchar, meta: {header: 卡号}}
          - {name: sold_at, data_type: timestamp, meta: {header: 时间, required: true}}
          - name: kind
            data_type: varchar
            meta: {header: 类型, allowed: {销售: sale, 退货: return}}
          - {name: paid_fen, data_type: bigint, meta: {header: 实付, unit: yuan, required: true}}
"""

INN = """
version: 2
sources:
  - name: inn
    meta:
      business: inn
      time_zone: Asia/Shanghai
      day_cut_off: "04:00"
      control: {file: "manifest_{yyyymmdd}.json", format: json}
    tables:
      - name: guests
        meta:
          file: "guests_{yyyymmdd}.jsonl"
          format: jsonl
          encoding: utf-8
          key: [guest]
          account: guest
        columns:
          - {name: guest, data_type: varchar, meta: {required: true}}
          - {name: guest_name, data_type: varchar, meta: {personal: name}}
          - {name: mobile, data_type: varchar, meta: {personal: mobile}}
          - {name: is_consented, data_type: boolean}
      - name: folios
        meta:
          file: "folios_{yyyymmdd}.jsonl"
          format: jsonl
          encoding: utf-8
          key: [folio]
          control_total: paid_fen
          business_date: {from: audit_date}
        columns:
          - {name: folio, data_type: varchar, meta: {required: true}}
          - {name: audit_date, data_type: date, meta: {required: true}}
          - {name: paid_fen, data_type: bigint, meta: {header: paid, unit: yuan, required: true}}
"""

GATE = """
version: 2
sources:
  - name: gate
    meta:
      business: gate
      time_zone: Asia/Shanghai
      day_cut_off: "04:00"
      control: {file: "control_{yyyymmdd}.json", format: json}
    tables:
      - name: payments
        meta:
          file: "payments_{yyyymmdd}.parquet"
          format: parquet
          key: [payment]
          control_total: paid_fen
          business_date: {from: paid_at}
        columns:
          - {name: payment, data_type: varchar, meta: {required: true}}
          - {name: plate, data_type: varchar, meta: {required: true, personal: plate}}
          - {name: mobile, data_type: varchar, meta: {personal: mobile}}
          - {name: paid_at, data_type: timestamp, meta: {required: true}}
          - {name: paid_fen, data_type: bigint, meta: {unit: fen, required: true}}
          - {name: is_free, data_type: boolean}
"""
CONTRACTS = {"shop": SHOP, "inn": INN, "gate": GATE}
CARD_HEADERS = ["卡号", "姓名", "手机", "生日", "地址", "同意"]
SALE_HEADERS = ["小票", "行号", "卡号", "时间", "类型", "实付"]
GATE_SCHEMA = pa.schema(
    [
        ("payment", pa.string()),
        ("plate", pa.string()),
        ("mobile", pa.string()),
        ("paid_at", pa.timestamp("us")),
        ("paid_fen", pa.int64()),
        ("is_free", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class House:
    """One installation in a temporary folder."""

    settings: Settings

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.lake)

    def contract_file(self, source: str) -> Path:
        return self.settings.dbt_project / "models" / "staging" / source / f"_{source}__sources.yml"

    def put(self, source: str, day: date, name: str, data: bytes) -> Path:
        """Put one file into a landing folder; the name's {d} becomes yyyymmdd."""
        path = self.lake.landing(source, day) / name.format(d=f"{day:%Y%m%d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def deliver_shop(
        self,
        sales: list[list[Any]],
        cards: list[list[Any]] | None = None,
        *,
        day: date = DAY,
        total: str | None = None,
        rows: int | None = None,
    ) -> None:
        """A delivery of the shop; its control file says `total` (yuan) and `rows` of sales."""
        cards = cards or []
        self.put("shop", day, "会员_{d}.csv", csv_bytes(CARD_HEADERS, cards))
        self.put("shop", day, "销售_{d}.csv", csv_bytes(SALE_HEADERS, sales))
        stamp = f"{day:%Y%m%d}"
        control = [
            [f"会员_{stamp}.csv", len(cards), ""],
            [f"销售_{stamp}.csv", len(sales) if rows is None else rows, total or "0.00"],
        ]
        self.put("shop", day, "对账_{d}.csv", csv_bytes(["文件名", "行数", "合计"], control))

    def deliver_inn(
        self, guests: list[str], folios: list[str], *, total_fen: int = 0, day: date = DAY
    ) -> None:
        """A delivery of the inn from lines of text."""
        stamp = f"{day:%Y%m%d}"
        for name, lines in (("guests", guests), ("folios", folios)):
            text = "".join(f"{line}\n" for line in lines)
            self.put("inn", day, f"{name}_{{d}}.jsonl", text.encode())
        files = [
            {"file": f"guests_{stamp}.jsonl", "rows": len(guests), "total_fen": None},
            {"file": f"folios_{stamp}.jsonl", "rows": len(folios), "total_fen": total_fen},
        ]
        self.put("inn", day, "manifest_{d}.json", json.dumps({"files": files}).encode())

    def deliver_gate(self, payments: pa.Table, *, total_fen: int = 0, day: date = DAY) -> None:
        """A delivery of the gate from an Arrow table."""
        buffer = io.BytesIO()
        pq.write_table(payments, buffer)
        self.put("gate", day, "payments_{d}.parquet", buffer.getvalue())
        entry = {
            "file": f"payments_{day:%Y%m%d}.parquet",
            "rows": payments.num_rows,
            "total_fen": total_fen,
        }
        self.put("gate", day, "control_{d}.json", json.dumps({"files": [entry]}).encode())

    def rows(self, zone: str, source: str, table: str, day: date = DAY) -> list[dict[str, Any]]:
        """Rows of one night's partition of a zone, by file name; none if there is no partition."""
        folder = self.lake.partition(zone, source, table, day)
        return [row for path in sorted(folder.glob("*.parquet")) for row in read(path)]

    def raw(self, source: str, table: str, day: date = DAY) -> list[dict[str, Any]]:
        """Rows of a partition of raw/."""
        return self.rows("raw", source, table, day)

    def quarantined(self, source: str, table: str, day: date = DAY) -> list[dict[str, Any]]:
        """Rows of a partition of quarantine/."""
        return self.rows("quarantine", source, table, day)


def build_house(folder: Path) -> House:
    """An installation with its contracts and keys, nothing delivered yet."""
    settings = Settings(
        lake=folder / "lake",
        keys_file=folder / "keys" / "house.json",
        rules=folder / "dbt_project" / "rules",
        dbt_project=folder / "dbt_project",
        memory_limit="1GB",
    )
    house = House(settings)
    for source, text in CONTRACTS.items():
        path = house.contract_file(source)
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    create_demo_keys(settings.keys_file)
    return house


def csv_bytes(headers: list[str], rows: list[list[Any]], encoding: str = "gb18030") -> bytes:
    """A CSV file as the tills write it."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([headers, *rows])
    return text.getvalue().encode(encoding)


def sale(
    receipt: str, paid: str = "1.00", at: str = "2026-10-29 12:00:00", line: int = 1
) -> list[Any]:
    """One sale line of the shop, without a card."""
    return [receipt, line, "", at, "销售", paid]


def refusal(house: House, source: str = "shop", day: date = DAY) -> str:
    """Load a night whose delivery has to be refused, and why it was."""
    records = load(house.settings, source, day)
    assert {record["status"] for record in records} == {"refused"}
    for zone in ("raw", "restricted", "quarantine"):
        assert not any((house.lake.root / zone / source).rglob(f"load_date={day}/*"))
    return str(records[0]["reason"])


def read(path: Path) -> list[dict[str, Any]]:
    """Rows of one Parquet file, without partition columns."""
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return rows
