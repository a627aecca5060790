"""A year of a web shop's invoices as deliveries of the outlet centre's tills.

The set's own columns are those of the contract, so nothing is mapped: rows are moved in time and
parted by day, as the shop's clock showed it. Customers are those that its invoices name.
"""

from datetime import date, time, timedelta
from pathlib import Path

import polars as pl

from ingest.connectors.common import (
    DELIVERY_DATE,
    Connected,
    SetAccount,
    business_date,
    last_date,
    read_set,
    whole_weeks,
)
from ingest.values import fen, product

SOURCE = "outlet"
FILE = "pos/online_retail_2010-12_2011-12.parquet"


def connect(data: Path, last_night: date, cut_off: time) -> Connected:
    """Read the set under `data` and move it; its last row is in the week up to `last_night`."""
    raw = read_set(data / FILE)
    lines = invoice_lines(raw, cut_off)
    shift_days = whole_weeks(last_date(lines), last_night)
    shift = timedelta(days=shift_days)
    lines = lines.with_columns(pl.col("invoiced_at", DELIVERY_DATE) + shift)
    tables = {"customers": customers(lines), "invoice_lines": lines}
    amount = (raw["Quantity"] * raw["UnitPrice"] * 100).round()
    account = SetAccount(
        file=FILE,
        rows=raw.height,
        used=lines.height,
        written={name: table.height for name, table in tables.items()},
        amount_fen=round(amount.sum()),
        written_fen=int(lines["amount_fen"].sum()),
        notes=[f"{lines['customer_id'].null_count()} lines have no customer and stay anonymous"],
    )
    return Connected(SOURCE, shift_days, tables, [account])


def invoice_lines(raw: pl.DataFrame, cut_off: time) -> pl.DataFrame:
    """Every row as it is, with its amount for the control file and its delivery date."""
    columns = {
        "invoice_no": pl.col("InvoiceNo"),
        "stock_code": pl.col("StockCode"),
        "product_name": pl.col("Description"),
        "quantity": pl.col("Quantity").cast(pl.Int64),
        "invoiced_at": pl.col("InvoiceDate"),
        "unit_price": pl.col("UnitPrice").cast(pl.String),
        "customer_id": pl.col("CustomerID").cast(pl.Int64).cast(pl.String),
        "country": pl.col("Country"),
    }
    rows = raw.select(expression.alias(name) for name, expression in columns.items())
    amount = fen(product(pl.col("quantity").cast(pl.String), pl.col("unit_price")), "yuan")
    dated = business_date("invoiced_at", cut_off)
    return rows.with_columns(amount.alias("amount_fen"), dated.alias(DELIVERY_DATE))


def customers(lines: pl.DataFrame) -> pl.DataFrame:
    """Customers by their number, known from their first invoice on; the set says no more."""
    named = lines.filter(pl.col("customer_id").is_not_null())
    first_seen = named.group_by("customer_id").agg(pl.col(DELIVERY_DATE).min())
    return first_seen.sort(DELIVERY_DATE, "customer_id").select(
        "customer_id",
        pl.col(DELIVERY_DATE).alias("registered_date"),
        pl.lit(False).alias("is_marketing_consented"),  # nobody asked them
        DELIVERY_DATE,
    )
