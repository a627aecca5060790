"""The worked example: three nights of two people, small enough to compute on paper.

王芳 is mall member 10000001 and hotel guest G1 (as WANG FANG, same phone). 李强 pays property fees
as KH1 and parks as V1 (same phone). `test_worked_example.py` holds the numbers, worked by hand.
"""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery

NIGHTS = (date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1))
Rows = list[dict[str, Any]]


def write_landing(lake: Path) -> None:
    """Write the deliveries of the three nights; sources without rows deliver empty files."""
    project = load_settings().dbt_project
    for night, by_source in zip(
        NIGHTS, (first_night(), second_night(), third_night()), strict=True
    ):
        for name in source_names(project):
            source = load_source(project, name)
            tables = {table: pl.DataFrame(rows) for table, rows in by_source.get(name, {}).items()}
            write_delivery(Lake(lake), source, night, tables)


def first_night() -> Mapping[str, Mapping[str, Rows]]:
    """30 October 2026, with a year of history."""
    return {**wang_fang(), **li_qiang()}


def wang_fang() -> Mapping[str, Mapping[str, Rows]]:
    """Three receipts, one of them after midnight and one of nobody's, and a hotel profile."""
    members = [
        {
            "member_no": "10000001",
            "card_no": "6001",
            "member_name": "王芳",
            "gender": "female",
            "birth_date": date(1990, 5, 1),
            "mobile": "13911112222",
            "is_mobile_verified": True,
            "registered_date": date(2025, 1, 1),
            "is_marketing_consented": True,
        }
    ]
    merchants = [{"merchant_id": "S1", "merchant_name": "示例女装", "category": "服装"}]
    sales = [
        sale("R1", "10000001", datetime(2025, 10, 31, 12, 0), 100_000),
        # 01:30 belongs to the business day before (cut-off 04:00).
        sale("R2", "10000001", datetime(2026, 10, 31, 1, 30), 420_000),
        sale("R3", None, datetime(2026, 10, 30, 15, 0), 9_999),
    ]
    tenders = [tender("R1", 100_000), tender("R2", 420_000), tender("R3", 9_999)]
    guests = [
        {
            "guest_id": "G1",
            "guest_name": "WANG FANG",
            "mobile": "+86 139-1111-2222",
            "created_date": date(2026, 1, 1),
            "is_marketing_consented": False,
        }
    ]
    return {
        "pos": {"merchants": merchants, "members": members, "sales": sales, "tenders": tenders},
        "hotel": {"guests": guests},
    }


def li_qiang() -> Mapping[str, Mapping[str, Rows]]:
    """A fee payment and a car."""
    residents = [
        {
            "resident_no": "KH1",
            "unit_no": "1-101",
            "role": "owner",
            "resident_name": "李强",
            "mobile": "13733334444",
            "moved_in_date": date(2020, 1, 1),
            "is_marketing_consented": True,
        }
    ]
    payments = [
        {
            "payment_no": "P1",
            "bill_no": "B1",
            "resident_no": "KH1",
            "channel": "online",
            "paid_at": datetime(2026, 10, 30, 9, 0),
            "gross_fen": 200_000,
            "paid_fen": 200_000,
            "points_used": 0,
        }
    ]
    bills = [
        {
            "bill_no": "B1",
            "unit_no": "1-101",
            "fee_type": "management",
            "bill_month": date(2026, 10, 1),
            "amount_fen": 200_000,
        }
    ]
    vehicles = [
        {
            "vehicle_id": "V1",
            "plate_no": "沪A12345",
            "mobile": "13733334444",
            "bound_date": date(2026, 1, 1),
            "is_marketing_consented": False,
        }
    ]
    return {
        "property": {"residents": residents, "fee_bills": bills, "fee_payments": payments},
        "parking": {"vehicles": vehicles},
    }


def second_night() -> Mapping[str, Mapping[str, Rows]]:
    """31 October: mall points spent on a stay, a partial refund, a session that arrives late."""
    folios = [
        {
            "folio_no": "F1",
            "stay_no": "ST1",
            "guest_id": "G1",
            "closed_at": datetime(2026, 10, 31, 11, 0),
            "audit_date": date(2026, 10, 31),
            "channel": "web",
            "gross_fen": 100_600,
            "discount_fen": 600,
            "paid_fen": 100_000,
            "points_used": 600,
        }
    ]
    sessions = [
        {
            "session_no": "PS1",
            "lot_no": "L1",
            "plate_no": "沪a·12345",
            "entered_at": datetime(2026, 10, 30, 23, 30),
            "exited_at": datetime(2026, 10, 31, 0, 30),
        }
    ]
    payments = [
        {
            "payment_no": "PP1",
            "session_no": "PS1",
            "paid_at": datetime(2026, 10, 31, 0, 29),
            "paid_fen": 800,
            "points_used": 300,
        }
    ]
    return {
        "pos": {
            "sales": [
                sale("R4", "10000001", datetime(2026, 10, 31, 16, 0), -20_000, original="R2")
            ],
            "tenders": [tender("R4", -20_000)],
        },
        "hotel": {"folios": folios},
        "parking": {"sessions": sessions, "payments": payments},
    }


def third_night() -> Mapping[str, Mapping[str, Rows]]:
    """1 November: a larger refund, without the member card, takes the upgrade's reason away."""
    return {
        "pos": {
            "sales": [sale("R5", None, datetime(2026, 11, 1, 16, 0), -100_000, original="R2")],
            "tenders": [tender("R5", -100_000)],
        },
    }


def sale(
    receipt: str, member: str | None, sold_at: datetime, fen: int, original: str | None = None
) -> dict[str, Any]:
    """A receipt of one line."""
    return {
        "receipt_no": receipt,
        "line_no": 1,
        "store_no": "01",
        "merchant_id": "S1",
        "member_no": member,
        "sold_at": sold_at,
        "product_name": "连衣裙",
        "category": "服装",
        "quantity": 1 if fen > 0 else -1,
        "list_fen": fen,
        "discount_fen": 0,
        "paid_fen": fen,
        "original_receipt_no": original,
    }


def tender(receipt: str, fen: int) -> dict[str, Any]:
    """A receipt paid by phone."""
    return {"receipt_no": receipt, "tender_no": 1, "tender_type": "wechat", "amount_fen": fen}
