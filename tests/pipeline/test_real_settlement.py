"""A month of real receipts and coupons settled by store, to the fen; skipped where the data is not
at hand. The whole history is in test_real_data.py.
"""

import os
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime, time
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
import yaml

from ingest.connectors import completejourney
from ingest.core.documents import read_document
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from ingest.rules.contracts import Contracts
from tests.pipeline.model_nights import (
    NO_ORDERS,
    ORDERS_POSTED,
    PROJECT,
    Nights,
    compile_models,
)
from tests.pipeline.test_order_of_arrival import (
    ACTIVITIES,
    BEHAVIOURS,
    DOCUMENTS,
    LINK_CHANGES,
    LINKS,
    PROFILES,
)

DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parents[1] / "shared" / "data")
FIRST, LAST = date(2026, 4, 1), date(2026, 4, 30)
SETTLED = """
    select
        case when payer_party like 'mall/%' then payer_party else payee_party end as merchant,
        movement_type,
        sum(amount_fen)::bigint
    from lines group by all
"""

pytestmark = pytest.mark.skipif(
    not (DATA / completejourney.FOLDER).is_dir(),
    reason=f"no third-party data in {DATA} (MEMBER_DATA)",
)


@pytest.fixture(scope="module")
def april() -> tuple[pl.DataFrame, pl.DataFrame, object]:
    """Sale lines and tenders of the receipts of a month, and the rule book of all."""
    connected = completejourney.connect(DATA, date(2026, 9, 30), time(4))
    of_april = pl.col("delivery_date").is_between(FIRST, LAST)
    sales, tenders = (connected.tables[name].filter(of_april) for name in ("sales", "tenders"))
    return sales, tenders, connected.books["programme/contracts.yml"]


def night_of(sales: pl.DataFrame, tenders: pl.DataFrame) -> dict[str, pa.Table]:
    """What the mall's models say of the receipts, each its own activity."""
    receipts = sales.group_by("receipt_no", "merchant_id", maintain_order=True).agg(
        pl.col("sold_at", "delivery_date").first(), pl.col("paid_fen").sum()
    )
    activities = [
        {"activity_id": number, "document_no": number, "source": "pos", "business": "mall",
         "activity_type": "purchase", "business_date": day, "load_date": LAST,
         "occurred_at": datetime(day.year, day.month, day.day), "paid_fen": fen, "gross_fen": fen,
         "discount_fen": 0, "points": 0, "source_file": "file", "source_row": 1}
        for number, day, fen in receipts.select("receipt_no", "delivery_date", "paid_fen").rows()
    ]  # fmt: skip
    items = [
        {"business": "mall", "source": "pos", "activity_id": number, "business_date": day,
         "merchant_id": merchant, "occurred_at": sold_at, "due_fen": fen, "source_file": "file",
         "source_row": 1}
        for number, merchant, sold_at, day, fen in receipts.rows()
    ]  # fmt: skip
    paid = tenders.group_by("receipt_no", "tender_type", "voucher_no", maintain_order=True).agg(
        pl.col("amount_fen").sum()
    )
    names = ["activity_id", "tender_type", "voucher_no", "amount_fen"]
    told = [dict(zip(names, row, strict=True)) for row in paid.rows()]
    documents = [{"business": "mall", "document_no": row["activity_id"]} for row in activities]
    stores = [{"business": "mall", "merchant_id": row["merchant_id"]} for row in items]
    given = {
        "int_derived_activities": (activities, ACTIVITIES),
        "int_touched_documents": (documents, DOCUMENTS),
        "int_order_items": (items, NO_ORDERS["int_order_items"]),
        "int_mall__order_tenders": (told, NO_ORDERS["int_mall__order_tenders"]),
        "dim_merchants": (stores, NO_ORDERS["dim_merchants"]),
        "int_member_links": ([], LINKS),
        "int_link_changes": ([], LINK_CHANGES),
        "int_accounts": ([], PROFILES),
        "int_behaviours": ([], BEHAVIOURS),
    }
    return {name: pa.Table.from_pylist(rows, schema) for name, (rows, schema) in given.items()}


def test_a_month_of_real_receipts_is_settled_by_store_to_the_fen(
    april: tuple[pl.DataFrame, pl.DataFrame, object], tmp_path: Path
) -> None:
    sales, tenders, book = april
    path = tmp_path / "contracts.yml"
    path.write_text(yaml.safe_dump(book, allow_unicode=True), encoding="utf-8")
    contracts = read_document(path, Contracts, "rule book").content
    books = load_rule_books(PROJECT / "rules", PROJECT)
    rules = compile_rules(replace(books, contracts=contracts))
    nights = Nights(compile_models(tmp_path / "models", ORDERS_POSTED), rules, tmp_path / "lake")
    nights.run(LAST, night_of(sales, tenders))

    lines = nights.posted("settlement_lines")
    parties = {*lines["payer_party"].to_pylist(), *lines["payee_party"].to_pylist()}
    assert not any(party.startswith("suspense/") for party in parties)
    settled: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    with duckdb.connect() as connection:
        connection.register("lines", lines)
        for merchant, movement, fen in connection.execute(SETTLED).fetchall():
            settled[merchant][movement] += fen
    expected = by_hand(sales, tenders)
    assert {merchant: dict(of) for merchant, of in settled.items()} == expected
    total = sum(of.get("sale", 0) + of.get("voucher_subsidy", 0) for of in settled.values())
    assert total == sales["paid_fen"].sum()


def by_hand(sales: pl.DataFrame, tenders: pl.DataFrame) -> dict[str, dict[str, int]]:
    """What each store gets of each receipt: 8 % of all of it and 0.45 % of the card are kept."""
    store = dict(sales.select("receipt_no", "merchant_id").rows())
    paid: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for number, kind, fen in tenders.select("receipt_no", "tender_type", "amount_fen").rows():
        paid[number][kind] += fen
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for number, by in paid.items():
        of = found[f"mall/{store[number]}"]
        of["sale"] += by["card"]
        of["voucher_subsidy"] += by["voucher"]
        of["commission"] += int(Fraction(sum(by.values()) * 8, 100) + Fraction(1, 2))
        of["channel_fee"] += int(Fraction(by["card"] * 45, 10_000) + Fraction(1, 2))
    return {
        merchant: {name: fen for name, fen in of.items() if fen} for merchant, of in found.items()
    }
