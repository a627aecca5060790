"""The Complete Journey, a year of a grocer's receipts, as deliveries of the mall's point of sale.

Amounts, as the set's documentation defines them: `sales_value` is what the retailer receives, after
the loyalty-card discount (`retail_disc`) and after matching a coupon (`coupon_match_disc`). The
manufacturer's coupon (`coupon_disc`) is not taken off it: the maker pays that part. So, per line,
list = sales_value + retail_disc + coupon_match_disc, discount = retail_disc + coupon_match_disc and
amount due = sales_value; per receipt, the coupon is a voucher tender and the card pays the rest.

Clocks: the file holds UTC without saying so. On New York's clock no calendar day touches two values
of `week`, and every coupon redemption meets a receipt of its household on its day; in UTC neither
holds.
"""

from datetime import date, time, timedelta
from pathlib import Path

import polars as pl

from ingest.connectors.common import (
    DELIVERY_DATE,
    Connected,
    SetAccount,
    business_date,
    fen,
    last_date,
    read_set,
    wall_clock,
    whole_weeks,
)
from ingest.connectors.completejourney_contracts import contract_book, voucher_prefix
from ingest.landing import yuan_text

SOURCE = "pos"
FOLDER = "pos/completejourney"
STORE_TIME_ZONE = "America/New_York"
STORE_CATEGORY = "超市"
LOOKED_UP = "only looked up, gives no row of its own"
NO_PLACE = "the till's contract has no table for it"


def connect(data: Path, last_night: date, cut_off: time) -> Connected:
    """Read the set under `data` and map it; its last sale falls in the week up to `last_night`."""
    folder = data / FOLDER
    transactions = read_set(folder / "transactions.parquet")
    redemptions = read_set(folder / "coupon_redemptions.parquet")
    coupons = read_set(folder / "coupons.parquet")
    products = read_set(folder / "products.parquet")

    lines = receipt_lines(transactions, cut_off)
    vouchers = voucher_numbers(lines, redemptions, coupons)
    lines = lines.join(vouchers, on="row", how="left", maintain_order="left")
    shift_days = whole_weeks(last_date(lines), last_night)
    shift = timedelta(days=shift_days)
    lines = lines.with_columns(pl.col("sold_at", DELIVERY_DATE) + shift)
    tables = {
        "merchants": merchants(lines),
        "members": members(lines),
        "sales": sales(lines, products),
        "tenders": tenders(lines),
    }
    used = SetAccount(
        file=f"{FOLDER}/transactions.parquet",
        rows=transactions.height,
        used=tables["sales"].height,
        written={name: table.height for name, table in tables.items()},
        amount_fen=round(transactions["sales_value"].sum() * 100),
        written_fen=int(tables["tenders"]["amount_fen"].sum()),
        notes=_notes(lines, tables["tenders"], vouchers.height),
    )
    campaigns = read_set(folder / "campaign_descriptions.parquet")
    idle = {
        "coupon_redemptions": (redemptions.height, LOOKED_UP),
        "coupons": (coupons.height, LOOKED_UP),
        "products": (products.height, LOOKED_UP),
        "campaigns": (read_set(folder / "campaigns.parquet").height, NO_PLACE),
        "campaign_descriptions": (campaigns.height, "gives the rules of its coupons"),
        "demographics": (read_set(folder / "demographics.parquet").height, NO_PLACE),
    }
    rest = [
        SetAccount(f"{FOLDER}/{name}.parquet", rows, 0, left_out={reason: rows})
        for name, (rows, reason) in idle.items()
    ]
    book = contract_book(tables["merchants"], campaigns, shift)
    return Connected(SOURCE, shift_days, tables, [used, *rest], {"programme/contracts.yml": book})


def receipt_lines(transactions: pl.DataFrame, cut_off: time) -> pl.DataFrame:
    """Every row as a numbered line of its receipt, by time, on the stores' own dates.

    Columns: row (position in the file), receipt_no, line_no, store_no, member_no, household_id,
    product_id, quantity, sold_at (wall clock), paid_fen, discount_fen, coupon_fen, delivery_date
    (business date).
    """
    lines = transactions.with_row_index("row").select(
        "row",
        pl.col("basket_id").cast(pl.String).alias("receipt_no"),
        pl.int_range(1, pl.len() + 1).over("basket_id").alias("line_no"),
        pl.col("store_id").cast(pl.String).alias("store_no"),
        pl.col("household_id").cast(pl.String).alias("member_no"),
        "household_id",
        "product_id",
        pl.col("quantity").cast(pl.Int64),
        wall_clock("transaction_timestamp", STORE_TIME_ZONE).alias("sold_at"),
        fen("sales_value").alias("paid_fen"),
        (fen("retail_disc") + fen("coupon_match_disc")).alias("discount_fen"),
        fen("coupon_disc").alias("coupon_fen"),
    )
    dated = lines.with_columns(business_date("sold_at", cut_off).alias(DELIVERY_DATE))
    return dated.sort("sold_at", "receipt_no", "line_no")


def voucher_numbers(
    lines: pl.DataFrame, redemptions: pl.DataFrame, coupons: pl.DataFrame
) -> pl.DataFrame:
    """The coupon that a line was bought with, where the set says which: columns row, voucher_no.

    It is known if exactly one coupon that its household redeemed that day is valid for its product.
    Its number begins with its campaign's, by which contracts say who bears it.
    """
    redeemed = redemptions.select(
        "household_id",
        "coupon_upc",
        "campaign_id",
        pl.col("redemption_date").dt.date().alias("day"),
    )
    candidates = (
        lines.filter(pl.col("coupon_fen") > 0)
        .with_columns(pl.col("sold_at").dt.date().alias("day"))
        .join(redeemed, on=["household_id", "day"])
        .join(coupons, on=["coupon_upc", "campaign_id", "product_id"], how="semi")
    )
    number = pl.concat_str(voucher_prefix(pl.col("campaign_id").min()), pl.col("coupon_upc").min())
    found = candidates.group_by("row").agg(
        pl.col("coupon_upc").n_unique().alias("coupon_count"), number.alias("voucher_no")
    )
    return found.filter(pl.col("coupon_count") == 1).select("row", "voucher_no").sort("row")


def sales(lines: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """Sale lines; a product that the product file does not know keeps its number as its name."""
    named = products.select(
        "product_id",
        pl.concat_str("product_type", "package_size", separator=" ", ignore_nulls=True).alias(
            "named"
        ),
        pl.coalesce("product_category", "department").alias("category"),
    )
    unnamed = pl.format("商品{}", "product_id")
    return lines.join(named, on="product_id", how="left", maintain_order="left").select(
        "receipt_no",
        "line_no",
        "store_no",
        pl.col("store_no").alias("merchant_id"),
        "member_no",
        "sold_at",
        pl.when(pl.col("named") != "").then("named").otherwise(unnamed).alias("product_name"),
        "category",
        "quantity",
        (pl.col("paid_fen") + pl.col("discount_fen")).alias("list_fen"),
        "discount_fen",
        "paid_fen",
        DELIVERY_DATE,
    )


def tenders(lines: pl.DataFrame) -> pl.DataFrame:
    """How each receipt was paid: card, then vouchers by number, those of unknown number last.

    Vouchers pay at most the amount due (a till gives no change for a coupon); a receipt of zero has
    no tender. So tenders add up to the amount due of their receipt, to the fen.
    """
    receipts = lines.group_by("receipt_no", maintain_order=True).agg(
        pl.col("sold_at", DELIVERY_DATE).first(), pl.col("paid_fen").sum().alias("due_fen")
    )
    with_coupon = lines.filter(pl.col("coupon_fen") > 0)
    vouchers = (
        with_coupon.group_by("receipt_no", "voucher_no")
        .agg(pl.col("coupon_fen").sum())
        .sort("receipt_no", "voucher_no", nulls_last=True)
        .join(receipts, on="receipt_no", maintain_order="left")
        .with_columns(
            pl.col("coupon_fen")
            .cum_sum()
            .over("receipt_no")
            .clip(upper_bound="due_fen")
            .alias("covered_fen")
        )
        .with_columns(
            pl.col("covered_fen")
            .diff()
            .over("receipt_no")
            .fill_null(pl.col("covered_fen"))
            .alias("amount_fen")
        )
    )
    covered = vouchers.group_by("receipt_no").agg(pl.col("amount_fen").sum().alias("voucher_fen"))
    card = receipts.join(covered, on="receipt_no", how="left", maintain_order="left").with_columns(
        (pl.col("due_fen") - pl.col("voucher_fen").fill_null(0)).alias("amount_fen")
    )
    columns = ["receipt_no", "sold_at", DELIVERY_DATE, "amount_fen"]
    both = pl.concat(
        [
            card.select(
                *columns,
                pl.lit("card").alias("tender_type"),
                pl.lit(None, pl.String).alias("voucher_no"),
            ),
            vouchers.select(*columns, pl.lit("voucher").alias("tender_type"), "voucher_no"),
        ]
    )
    paid = both.filter(pl.col("amount_fen") != 0).sort(
        "sold_at", "receipt_no", "tender_type", "voucher_no", nulls_last=True
    )
    number = pl.int_range(1, pl.len() + 1).over("receipt_no").alias("tender_no")
    return paid.select(
        "receipt_no", number, "tender_type", "amount_fen", "voucher_no", DELIVERY_DATE
    )


def members(lines: pl.DataFrame) -> pl.DataFrame:
    """One card a household, registered with its first receipt; nothing personal is known."""
    first_seen = _first_seen(lines, "member_no", "household_id")
    return first_seen.select(
        "member_no",
        ("CJ" + pl.col("household_id").cast(pl.String).str.zfill(6)).alias("card_no"),
        pl.col(DELIVERY_DATE).alias("registered_date"),
        pl.lit(False).alias("is_marketing_consented"),  # nobody asked them
        DELIVERY_DATE,
    )


def merchants(lines: pl.DataFrame) -> pl.DataFrame:
    """Each store as a tenant of the mall, delivered with its first receipt."""
    return _first_seen(lines, "store_no").select(
        pl.col("store_no").alias("merchant_id"),
        (STORE_CATEGORY + pl.col("store_no") + "号店").alias("merchant_name"),
        pl.lit(STORE_CATEGORY).alias("category"),
        DELIVERY_DATE,
    )


def _first_seen(lines: pl.DataFrame, *keys: str) -> pl.DataFrame:
    return lines.group_by(*keys).agg(pl.col(DELIVERY_DATE).min()).sort(DELIVERY_DATE, *keys)


def _notes(lines: pl.DataFrame, tenders: pl.DataFrame, matched_count: int) -> list[str]:
    """What a reader of the counts should know about coupons."""
    vouchers = tenders.filter(pl.col("tender_type") == "voucher")
    voucher_fen = int(vouchers["amount_fen"].sum())
    coupon_fen = int(lines["coupon_fen"].sum())
    coupon_count = lines.filter(pl.col("coupon_fen") > 0).height
    value = f"coupons of ¥{yuan_text(coupon_fen)} gave vouchers of ¥{yuan_text(voucher_fen)}"
    return [
        f"{value}; the rest is more than its receipt came to",
        f"{matched_count} of {coupon_count} lines with a coupon say which coupon it was",
    ]
