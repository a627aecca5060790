"""The contracts of The Complete Journey: each store a merchant, each campaign a voucher programme.

The set says no terms. These are the group's usual ones, so that a year of real sales and coupons
can be settled: every store pays a commission of its sales and the card's fee, and the mall, which
runs the campaigns, bears their coupons; those of unknown number, too.
"""

from copy import deepcopy
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

BUSINESS = "mall"
SOURCE = "pos/completejourney, terms of the connector"
APPROVER = "Third-party connector"
TERMS = {
    "commission": {"mode": "percent", "per_10000": 800},
    "channel_fee_per_10000": {"card": 45},
    "tax_per_mille": 60,
    "tax_treatment": "general",
    "settlement_cycle": "monthly",
}
FUNDERS = {"funders": [{"funder": "own_business", "percent": 100}]}
FIRST = date(2017, 1, 1)  # of the set


def voucher_prefix(campaign_id: pl.Expr) -> pl.Expr:
    """How the numbers of a campaign's coupons begin."""
    return pl.concat_str(campaign_id.cast(pl.String).str.zfill(2), pl.lit("-"))


def contract_book(
    merchants: pl.DataFrame, campaigns: pl.DataFrame, shift: timedelta
) -> dict[str, Any]:
    """The rule book: a contract for each of `merchants`, a programme for each of `campaigns` from
    its first day on, both moved by `shift`, and one for every other coupon.
    """
    contracts = [
        {
            "business": BUSINESS,
            "merchant_id": merchant_id,
            "legal_entity_name": merchant_name,
            "terms": [_dated(FIRST + shift, TERMS)],
        }
        for merchant_id, merchant_name in merchants.select("merchant_id", "merchant_name").rows()
    ]
    prefixed = campaigns.select(
        "campaign_id",
        "campaign_type",
        voucher_prefix(pl.col("campaign_id")).alias("voucher_prefix"),
        "start_date",
    ).sort("campaign_id")
    programmes = [
        {
            "programme": f"campaign_{number}",
            "programme_name": f"{kind} 活动 {number}",
            "business": BUSINESS,
            "voucher_prefix": prefix,
            "funding": [_dated(_day(start) + shift, FUNDERS)],
        }
        for number, kind, prefix, start in prefixed.rows()
    ]
    others = {
        "programme": "other_coupons",
        "programme_name": "其他优惠券",
        "business": BUSINESS,
        "funding": [_dated(FIRST + shift, FUNDERS)],
    }
    return {"contracts": contracts, "voucher_programmes": [*programmes, others]}


def _dated(first: date, value: object) -> dict[str, object]:
    # A value of its own, or YAML would write references instead.
    return {"from": first, "value": deepcopy(value), "source": SOURCE, "approved_by": APPROVER}


def _day(moment: datetime) -> date:
    return moment.date()
