"""WeChat Pay's bill of the mall: what the channel says of the payments that the tills took by it.

The bill is of a calendar day, the till's day ends at 04:00: what is paid after midnight stands in
the next bill.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.demo.world import DAY_SECONDS, Flags, Ints, blank, digits, moments, spread

TABLE, SOURCE = "trades", "payments"
APP_NO, PAYEE_NO = "wx5e1b0f7c24a9d638", "1604417025"
FEE_RATE, FEE_PER_MILLE = "0.60%", 6
NO_REFUND = "0"  # what the channel writes where a payment has no refund number


@dataclass(frozen=True)
class Trades:
    """One item a payment or refund; `person` is -1 for a stranger.

    `receipt_no` and `tender_no` are those of the payment, `return_no` and `return_tender_no` of
    what gives it back; amounts are positive.
    """

    receipt_no: pl.Series
    tender_no: Ints
    moment: Ints
    merchant: Ints
    person: Ints
    amount_fen: Ints
    return_no: pl.Series | None = None
    return_tender_no: Ints | None = None


def fee_of(amount_fen: Ints) -> Ints:
    """What the channel keeps of each amount: 0.6 %, half a fen rounded up."""
    return (amount_fen * FEE_PER_MILLE + 500) // 1_000


def bill_rows(trades: Trades, offset: int) -> pl.DataFrame:
    """Rows of the bill; `_day` is the day of the bill in which each stands."""
    count = len(trades.moment)
    is_refund = np.full(count, trades.return_no is not None)
    paid, back = (np.where(is_refund == flag, trades.amount_fen, 0) for flag in (False, True))
    order_no = numbered(trades.receipt_no, trades.tender_no)
    refund_no = wechat_refund_no = pl.Series([NO_REFUND]).new_from_index(0, count)
    if trades.return_no is not None and trades.return_tender_no is not None:
        refund_no = numbered(trades.return_no, trades.return_tender_no)
        wechat_refund_no = channel_no("503020", trades.return_no, trades.return_tender_no)
    return pl.DataFrame(
        {
            "traded_at": moments(trades.moment),
            "app_no": APP_NO,
            "payee_no": PAYEE_NO,
            "merchant_id": digits("S", trades.merchant + 1, 4),
            "wechat_order_no": channel_no("420000", trades.receipt_no, trades.tender_no),
            "order_no": order_no,
            "openid": _openids(trades, offset),
            "trade_type": "MICROPAY",
            "trade_status": _either("refunded", "paid", is_refund),
            "bank": "OTHERS",
            "currency": "CNY",
            "paid_fen": paid,
            "voucher_fen": np.zeros(count, dtype=np.int64),
            "wechat_refund_no": wechat_refund_no,
            "refund_no": refund_no,
            "refund_fen": back,
            "voucher_refund_fen": np.zeros(count, dtype=np.int64),
            "refund_type": blank(_either("ORIGINAL", "", is_refund), ~is_refund),
            "refund_status": blank(_either("SUCCESS", "", is_refund), ~is_refund),
            "product_name": "商场消费",
            "fee_fen": np.where(is_refund, -1, 1) * fee_of(trades.amount_fen),
            "fee_rate": FEE_RATE,
            "order_fen": paid,
            "requested_refund_fen": back,
            "_day": trades.moment // DAY_SECONDS,
        }
    )


def _either(one: str, other: str, is_one: Flags) -> pl.Series:
    return pl.Series([other, one]).gather(is_one.astype(np.int64))


def numbered(receipt_no: pl.Series, tender_no: Ints) -> pl.Series:
    """The till's own name of a payment: receipt and number of the tender."""
    return receipt_no + "-" + pl.Series(tender_no).cast(pl.String)


def channel_no(prefix: str, receipt_no: pl.Series, tender_no: Ints) -> pl.Series:
    """A number of the channel's, of 28 digits."""
    return prefix + receipt_no.str.slice(1, 14) + digits("", tender_no, 8)


def _openids(trades: Trades, offset: int) -> pl.Series:
    """A person has one for ever, a stranger another for each receipt."""
    known = digits("oHm1wt5s8JrqXm", spread(trades.person, 14, offset), 14)
    strange = "oHm1wt5s8JrqXs" + trades.receipt_no.str.slice(1, 14)
    return known.zip_with(pl.Series(trades.person >= 0), strange)
