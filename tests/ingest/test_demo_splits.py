"""What the demo group's channel pays on to the shops, worked by hand."""

import numpy as np
import polars as pl
import pytest

from ingest.demo.split_bill import DINING, JEWELLER, SUPERMARKET, Sales, split_rows
from ingest.demo.world import DAY_SECONDS, NEVER

DAY = 20_755  # 2026-10-29, a Thursday
TUESDAY = DAY - 2
POINTS, VOUCHER, WECHAT, CARD = 0, 1, 2, 4
CLOTHES, BOUTIQUE = 2, 12  # a category and a shop of it, with the mall's general contract
Found = list[tuple[str, int, int]]


def split_of(
    paid: dict[int, int],
    back: dict[int, int] | None = None,
    *,
    merchant: int = BOUTIQUE,
    category: int = CLOTHES,
    day: int = DAY,
    hour: int = 12,
    returned_day: int = NEVER,
    receipt_no: str = "M01261029000001",
) -> Found:
    """Kind, days after the sale and fen of the bill's rows of one receipt; amounts by tender."""
    kinds = np.array([[POINTS, VOUCHER, WECHAT, CARD]])
    sales = Sales(
        receipt_no=pl.Series([receipt_no]),
        tender_no=np.array([1]),
        place=np.array([2]),
        day=np.array([day]),
        moment=np.array([day * DAY_SECONDS + hour * 3_600]),
        merchant=np.array([merchant]),
        category=np.array([category]),
        kind=kinds,
        paid_fen=np.array([[paid.get(kind, 0) for kind in kinds[0]]]),
        back_fen=np.array([[(back or {}).get(kind, 0) for kind in kinds[0]]]),
        returned_day=np.array([returned_day]),
    )
    rows, failed_count = split_rows(sales)
    assert rows.height == 0 or failed_count == 0
    found = rows.select("split_kind", pl.col("_day") - day, "amount_fen").rows()
    return [(str(kind), int(days), int(fen)) for kind, days, fen in found]


def test_a_shop_gets_the_payment_less_commission_and_fee_the_day_after_its_bill() -> None:
    # 8 % and 0.6 % of 100.00; paid at one in the morning it stands in the next day's bill.
    assert split_of({WECHAT: 10_000}) == [("split", 1, 9_140)]
    assert split_of({WECHAT: 10_000}, hour=25) == [("split", 2, 9_140)]


def test_a_restaurant_pays_half_a_yuan_and_five_percent() -> None:
    # 123.45: 6.17 (6.1725) and 0.50, fee 0.74 (0.7407).
    assert split_of({WECHAT: 12_345}, category=DINING, merchant=0) == [("split", 1, 11_604)]


def test_what_others_bear_of_a_voucher_is_in_the_base_but_of_the_jeweller() -> None:
    # 100.00 and a voucher of 50.00, 17.50 of it the shop's own: 8 % of 132.50 is 10.60, fee 0.60.
    assert split_of({WECHAT: 10_000, VOUCHER: 5_000}) == [("split", 1, 8_880)]
    # Of a joint promotion the shop bears nothing: 8 % of 150.00.
    joint = split_of({WECHAT: 10_000, VOUCHER: 5_000}, receipt_no="M01261129000001")
    assert joint == [("split", 1, 8_740)]
    # The jeweller's 12 % are of the 100.00 alone.
    jeweller = split_of({WECHAT: 10_000, VOUCHER: 5_000}, merchant=JEWELLER)
    assert jeweller == [("split", 1, 8_740)]


def test_an_order_of_two_kinds_of_money_is_split_by_the_part_that_wechat_took() -> None:
    # 66.67 and 33.33 by card, 5.00 in points: 8 % of 105.00, fees 0.4000 and 0.1500; of 91.05.
    assert split_of({WECHAT: 6_667, CARD: 3_333, POINTS: 500}) == [("split", 1, 6_070)]


def test_what_would_leave_the_channel_less_than_its_fee_is_not_sent() -> None:
    # The supermarket's fee is 0.38 %, its commission monthly: 99.62 is beyond 99.40. Of 0.80 the
    # channel keeps nothing.
    assert split_of({WECHAT: 10_000}, merchant=SUPERMARKET, category=1) == []
    assert split_of({WECHAT: 80}, merchant=SUPERMARKET, category=1) == [("split", 1, 80)]
    assert split_of({WECHAT: 50}, category=DINING, merchant=0) == []  # the commission is all of it


def test_a_return_takes_back_what_the_order_gives_less_from_then_on() -> None:
    whole = split_of({WECHAT: 10_000}, {WECHAT: 10_000}, returned_day=DAY + 3)
    assert whole == [("split", 1, 9_140), ("return", 4, 9_140)]
    # 33.33 come back, with 2.67 (2.6664) of commission and 0.20 (0.19998) of fee: 60.94 are left.
    part = split_of({WECHAT: 10_000}, {WECHAT: 3_333}, returned_day=DAY + 3)
    assert part == [("split", 1, 9_140), ("return", 4, 3_046)]


def test_what_is_back_before_the_split_is_sent_is_not_split_at_all() -> None:
    back = {WECHAT: 3_333}
    known = split_of({WECHAT: 10_000}, back, hour=25, returned_day=DAY + 1)
    assert known == [("split", 2, 6_094)]
    later = split_of({WECHAT: 10_000}, back, hour=25, returned_day=DAY + 2)
    assert later == [("split", 2, 9_140), ("return", 3, 3_046)]


@pytest.mark.parametrize(("day", "count"), [(TUESDAY - 1, 1), (TUESDAY, 0), (TUESDAY + 1, 1)])
def test_the_first_split_of_a_tuesday_fails_and_so_does_its_return(day: int, count: int) -> None:
    found = split_of({WECHAT: 10_000}, {WECHAT: 10_000}, day=day, returned_day=day + 3)
    assert len(found) == 2 * count
