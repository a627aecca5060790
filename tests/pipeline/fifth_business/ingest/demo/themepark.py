"""The theme park: annual passes, and orders at the gates, most of them without a pass."""

import numpy as np
import polars as pl

from ingest.demo.accounts import open_accounts
from ingest.demo.business import Business
from ingest.demo.people import People
from ingest.demo.wallet import Wallet
from ingest.demo.world import (
    DAY_SECONDS,
    Frames,
    Group,
    Ints,
    Span,
    blank,
    chance,
    choose,
    dates,
    day_digits,
    days_of_events,
    digits,
    flip,
    moments,
    rank_in_group,
    spread,
)

PASS_SHARE, WITH_PASS_SHARE, REFUND_SHARE = 0.25, 0.4, 0.02
ORDERS_PER_PERSON_DAY = 0.01
GATES = pl.Series(["G1", "G2"])
TICKET_FEN = 29_900


class ThemePark(Business):
    """The park and its pass holders."""

    source = "tickets"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "themepark")
        adults = np.flatnonzero(people.is_adult)
        person = adults[flip(rng, len(adults), PASS_SHARE)]
        self.accounts = open_accounts(rng, people, person, spread(np.arange(len(person)), 6))

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Numbers of annual passes."""
        return digits("A", self.accounts.number[accounts], 6)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Annual passes."""
        rows, is_later = self.accounts.due(day, is_first)
        passes = pl.DataFrame(
            {
                "pass_no": self.account_ids(rows),
                "holder_name": self.accounts.names(rows),
                "mobile": self.accounts.mobiles(rows, is_later),
                "issued_date": dates(self.accounts.registered[rows]),
                "is_marketing_consented": self.accounts.consents(rows, is_later),
            }
        )
        return {"passes": passes}

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Orders, each for one to four tickets; a few are given back at once."""
        rng = chance(self.group, "themepark", span.first_day)
        day = days_of_events(rng, span, ORDERS_PER_PERSON_DAY * self.group.volume)
        count = len(day)
        account = rng.integers(0, self.accounts.count, count)
        has_pass = flip(rng, count, WITH_PASS_SHARE) & (self.accounts.registered[account] <= day)
        number = "O" + day_digits(day) + digits("", rank_in_group(day) + 1, 5)
        orders = pl.DataFrame(
            {
                "order_no": number,
                "pass_no": blank(self.account_ids(account), ~has_pass),
                "ordered_at": moments(day * DAY_SECONDS + rng.integers(32_400, 64_800, count)),
                "gate_no": choose(GATES, rng.integers(0, len(GATES), count)),
                "paid_fen": TICKET_FEN * rng.integers(1, 5, count),
                "refunded_order_no": pl.Series([None] * count, dtype=pl.String),
            }
        )
        refunds = orders.filter(pl.Series(flip(rng, count, REFUND_SHARE))).with_columns(
            pl.col("order_no") + "R",
            pl.col("ordered_at") + pl.duration(minutes=20),
            -pl.col("paid_fen"),
            refunded_order_no=pl.col("order_no"),
        )
        self.counts["refunds"] += refunds.height
        return {"orders": pl.concat([orders, refunds])}


BUSINESS = ThemePark
