"""WeChat Pay's split bill of the mall: what of each payment it has paid on to the shop.

The cashier sends in the morning what the night has instructed. So a split stands in the bill of the
day after that of its payment, and what a return of goods takes back in that of the day after. What
a shop gets is worked out here a second time, from the terms of its contract, so that a night holds
the settlement lines against somebody else's figures.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.demo.trade_bill import PAYEE_NO, channel_no, fee_of, numbered
from ingest.demo.world import DAY_SECONDS, Flags, Ints, digits, first_of_each, moments, shares_of

TABLE, SOURCE = "split_lines", "splits"
SENT_AT_SECONDS = 9 * 3_600  # of the next day
FAILING_WEEKDAY = 1  # the first split of every Tuesday's sales fails: it stands in no bill

# Contracts of rules/programme/contracts.yml; rates are parts of 10,000.
SHARE, DINING_SHARE, JEWELLER_SHARE = 800, 500, 1_200
DINING_FEN_PER_ORDER = 50
DINING = 0  # category
SUPERMARKET, JEWELLER = 10, 43  # merchants S0011 and S0044
FEES = np.array([0, 0, 60, 60, 45, 0])  # by kind of tender: points, voucher, wechat, alipay, …
SUPERMARKET_FEES = np.array([0, 0, 38, 38, 35, 0])
APP_PERCENT, APP_MOST_FEN, OWN_PERCENT = 40, 3_000, 35  # of a voucher; the mall bears the rest
JOINT_MONTH = "2611"  # its vouchers are paid for by a bank and a brand, none by the merchant


@dataclass(frozen=True)
class Sales:
    """Receipts paid by WeChat, one item each, with what came back of each (zeros if nothing).

    `kind`, `paid_fen` and `back_fen` are (receipts, places): kinds of tender, what was paid by each
    and given back. `place` is that of the WeChat tender, `returned_day` NEVER if nothing came back.
    """

    receipt_no: pl.Series
    tender_no: Ints
    place: Ints
    day: Ints
    moment: Ints
    merchant: Ints
    category: Ints
    kind: Ints
    paid_fen: Ints
    back_fen: Ints
    returned_day: Ints


def split_rows(sales: Sales) -> tuple[pl.DataFrame, int]:
    """Rows of the bill, `_day` the day of the bill in which each stands; and how many failed."""
    payment, back = (_at(amounts, sales.place) for amounts in (sales.paid_fen, sales.back_fen))
    billed_day = sales.moment // DAY_SECONDS
    is_early = sales.returned_day <= billed_day  # what came back was known before anything was sent
    whole, rest = _due_fen(sales)
    first = np.where(is_early, rest, whole)
    fits = first <= payment - fee_of(payment) - np.where(is_early, back, 0)
    sent = np.flatnonzero((first > 0) & fits)
    fails = first_of_each(sales.day[sent]) & ((sales.day[sent] + 3) % 7 == FAILING_WEEKDAY)
    split = sent[~fails]
    taken_back = split[first[split] > rest[split]]
    rows = [
        _rows(sales, split, first, billed_day + 1, is_return=False),
        _rows(sales, taken_back, first - rest, sales.returned_day + 1, is_return=True),
    ]
    return pl.concat(rows), int(fails.sum())


def _due_fen(sales: Sales) -> tuple[Ints, Ints]:
    """What the shop gets of the payment, before and after its return: its money less commission and
    fee, by the part of the money that was paid by WeChat, rounded down.
    """
    money, money_back = (_of_kinds(sales, amounts, 2, 5) for amounts in _amounts(sales))
    base, base_back = _bases(sales)
    is_dining, is_market = sales.category == DINING, sales.merchant == SUPERMARKET
    share = np.where(is_dining, DINING_SHARE, SHARE)
    share = np.where(sales.merchant == JEWELLER, JEWELLER_SHARE, share)
    commission = (base * share + 5_000) // 10_000 + np.where(is_dining, DINING_FEN_PER_ORDER, 0)
    commission = np.where(is_market, 0, commission)  # by steps, at the end of the month
    fees = np.where(is_market[:, None], SUPERMARKET_FEES[sales.kind], FEES[sales.kind])
    fee = ((sales.paid_fen * fees).sum(axis=1) + 5_000) // 10_000
    left = commission - _part(commission, base_back, base) + fee - _part(fee, money_back, money)
    payment = _at(sales.paid_fen, sales.place)
    whole, rest = (
        np.maximum(net, 0) * payment // money
        for net in (money - commission - fee, money - money_back - left)
    )
    return whole, rest


def _bases(sales: Sales) -> tuple[Ints, Ints]:
    """What commission is of, and what of it came back: everything but the merchant's own discount,
    of the jeweller nothing of a voucher.
    """
    everything = [_of_kinds(sales, amounts, 0, 5) for amounts in _amounts(sales)]
    voucher, voucher_back = (_of_kinds(sales, amounts, 1, 1) for amounts in _amounts(sales))
    app = np.minimum(voucher * APP_PERCENT // 100, APP_MOST_FEN)
    own = voucher * OWN_PERCENT // 100
    borne = np.stack([voucher - own - app, own, app], axis=1)  # mall, its merchant, app
    own_back = shares_of(borne, voucher, voucher_back)[:, 1]
    is_joint = (sales.receipt_no.str.slice(3, 4) == JOINT_MONTH).to_numpy()
    is_jeweller = sales.merchant == JEWELLER
    base, back = (
        whole - np.where(is_jeweller, of_voucher, np.where(is_joint, 0, of_merchant))
        for whole, of_voucher, of_merchant in zip(
            everything, (voucher, voucher_back), (own, own_back), strict=True
        )
    )
    return base, back


def _rows(sales: Sales, who: Ints, amount_fen: Ints, day: Ints, *, is_return: bool) -> pl.DataFrame:
    """Rows of the receipts `who`; the other arguments are of all receipts."""
    receipt_no, tender_no = sales.receipt_no.gather(who), sales.tender_no[who]
    sent_at = day[who] * DAY_SECONDS + SENT_AT_SECONDS + sales.moment[who] % 3_600
    return pl.DataFrame(
        {
            "split_at": moments(sent_at),
            "initiator_no": PAYEE_NO,
            "payer_no": PAYEE_NO,
            "wechat_order_no": channel_no("420000", receipt_no, tender_no),
            "wechat_split_no": channel_no("30082" + str(int(is_return)), receipt_no, tender_no),
            "detail_no": channel_no("36011" + str(int(is_return)), receipt_no, tender_no),
            "request_no": numbered(receipt_no, tender_no) + ("-R" if is_return else "-S"),
            "order_fen": _at(sales.paid_fen, sales.place)[who],
            "receiver_no": digits("S", sales.merchant[who] + 1, 4),
            "amount_fen": amount_fen[who],
            "split_kind": "return" if is_return else "split",
            "split_status": "处理完成",
            "description": "退货分账回退" if is_return else "商户分账",
            "_day": day[who],
        }
    )


def _amounts(sales: Sales) -> tuple[Ints, Ints]:
    return sales.paid_fen, sales.back_fen


def _at(amounts: Ints, place: Ints) -> Ints:
    """Of each receipt the amount at its place."""
    found: Ints = np.take_along_axis(amounts, place[:, None], axis=1)[:, 0]
    return found


def _of_kinds(sales: Sales, amounts: Ints, first: int, last: int) -> Ints:
    """Of each receipt the sum of the tenders of a range of kinds."""
    is_kind: Flags = (sales.kind >= first) & (sales.kind <= last)
    summed: Ints = np.where(is_kind, amounts, 0).sum(axis=1)
    return summed


def _part(amount: Ints, of: Ints, whole: Ints) -> Ints:
    """The part of an amount that goes back with `of` the whole, to the nearest fen, half up."""
    part: Ints = (2 * amount * of + whole) // (2 * np.maximum(whole, 1))
    return part
