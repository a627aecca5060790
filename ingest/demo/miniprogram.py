"""The mini-program: its users, what they look at and answer, offers, and a few orders.

Its orders earn points which the group's rough wallet does not know: customers of the other
businesses do the same with and without a mini-program.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.demo.accounts import open_accounts, with_checked_phones
from ingest.demo.business import Business
from ingest.demo.mall import Mall
from ingest.demo.people import People, fixed_text
from ingest.demo.wallet import Wallet
from ingest.demo.world import (
    DAY_SECONDS,
    Flags,
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
    eager,
    flip,
    moments,
    pick,
    rank_in_group,
    spread,
    within,
)

USER_SHARE, YOUNGEST_USER = 0.35, 14
WITHOUT_PHONE_SHARE, UNIONID_SHARE, GENDER_SHARE = 0.30, 0.92, 0.50
EVENTS_PER_PERSON_DAY, ORDERS_PER_PERSON_DAY = 0.04, 0.002
ANONYMOUS_SHARE = 0.35  # of looking around happens before anybody signs in
DRIFT_SHARE = 0.04  # of offer events come from an app that spells the header otherwise
REFUND_SHARE, DISCOUNT_SHARE = 0.04, 0.30
WRONGLY_SHOWN_SHARE = 0.01  # of orders the app shows the points of a campaign that is over
PAGES = pl.Series(["home", "shop", "parking", "events", "points", "offers"])
OFFERS, ITEMS = 8, 40
REWARDS = np.array([100, 200, 500])
CATEGORIES = pl.Series(["voucher", "package", "service"])
CATEGORY_SHARES = np.array([0.7, 0.2, 0.1])
PRICES_FEN = np.array([[5_000, 10_000, 20_000], [58_800, 88_800, 128_800], [9_900, 19_900, 29_900]])


@dataclass(frozen=True)
class Kind:
    """A kind of event: its share of all events and what it names besides its user."""

    name: str
    share: float
    has_item: bool = False
    has_offer: bool = False


KINDS = (
    Kind("browse", 0.62, has_item=True),
    Kind("check_in", 0.14),
    Kind("offer_received", 0.10, has_offer=True),
    Kind("offer_viewed", 0.06, has_offer=True),
    Kind("offer_completed", 0.03, has_offer=True),
    Kind("survey", 0.02, has_item=True),
    Kind("share", 0.02, has_item=True),
    Kind("referral", 0.01),
)
NAMES = [kind.name for kind in KINDS]
BROWSE, COMPLETED, REFERRAL = map(NAMES.index, ("browse", "offer_completed", "referral"))
LETTERS = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8
)


class MiniProgram(Business):
    """The mini-program and its users."""

    source = "miniprogram"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "miniprogram")
        old_enough = np.flatnonzero(people.age >= YOUNGEST_USER)
        person = old_enough[flip(rng, len(old_enough), USER_SHARE)]
        accounts = open_accounts(rng, people, person, spread(np.arange(len(person)), 8, 7_654_321))
        self.accounts = with_checked_phones(rng, accounts, WITHOUT_PHONE_SHARE)
        count = self.accounts.count
        self.openid = "m" + fixed_text(LETTERS[rng.integers(0, 64, (count, 27))])
        self.unionid = pl.Series([None] * people.count, dtype=pl.String)
        self.has_unionid = flip(rng, count, UNIONID_SHARE)
        self.has_gender = flip(rng, count, GENDER_SHARE)
        self.visits = eager(rng, count, 0.5)

    def meet(self, others: Sequence[Business]) -> None:
        """WeChat knows a person by one unionid in every program of the group."""
        for other in others:
            if isinstance(other, Mall):
                self.unionid = other.unionid

    def hazards(self, is_there: Flags, last_day: int) -> Mapping[str, int]:
        """Users of whom WeChat tells less than it could."""
        return {"missing_unionids": int((is_there & ~self.has_unionid).sum())}

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of users; NULL for position -1."""
        return blank(digits("U", self.accounts.number[accounts], 8), accounts < 0)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Users."""
        accounts = self.accounts
        rows, is_later = accounts.due(day, is_first)
        person = accounts.person[rows]
        gender = choose(pl.Series(["male", "female"]), self.people.sex[person])
        users = pl.DataFrame(
            {
                "user_id": self.account_ids(rows),
                "openid": self.openid.gather(rows),
                "unionid": blank(self.unionid.gather(person), ~self.has_unionid[rows]),
                "mobile": accounts.mobiles(rows, is_later),
                "gender": blank(gender, ~self.has_gender[rows]),
                "registered_date": dates(accounts.registered[rows]),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )
        return {"users": users}

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Events and orders of a span of days."""
        rng = chance(self.group, "miniprogram", span.first_day)
        return {"events": self._events(rng, span), "orders": self._orders(rng, span)}

    def _events(self, rng: np.random.Generator, span: Span) -> pl.DataFrame:
        """What people did; who is not a user on that day can only look around."""
        day, at = self._moments(rng, span, EVENTS_PER_PERSON_DAY)
        count = len(day)
        kind = pick(rng, np.array([kind.share for kind in KINDS]), count)
        user = self._users(rng, day)
        kind = np.where(user < 0, BROWSE, kind)
        user = np.where((kind == BROWSE) & flip(rng, count, ANONYMOUS_SHARE), -1, user)
        referred = self._users(rng, day)
        kind = np.where((kind == REFERRAL) & ((referred < 0) | (referred == user)), BROWSE, kind)
        has_item = np.array([kind.has_item for kind in KINDS])[kind]
        has_offer = np.array([kind.has_offer for kind in KINDS])[kind]
        is_drifted = has_offer & flip(rng, count, DRIFT_SHARE)
        offer = digits("YH", rng.integers(1, OFFERS + 1, count), 2)
        reward = pl.Series(REWARDS[rng.integers(0, len(REWARDS), count)])
        self.counts["anonymous_events"] += int((user < 0).sum())
        self.counts["referrals"] += int((kind == REFERRAL).sum())
        self.counts["drifted_headers"] += int(is_drifted.sum())
        return pl.DataFrame(
            {
                "event_id": "E" + day_digits(day) + digits("", rank_in_group(day) + 1, 7),
                "user_id": self.account_ids(user),
                "event_type": choose(pl.Series(NAMES), kind),
                "occurred_at": moments(at),
                "page": choose(PAGES, rng.integers(0, len(PAGES), count)),
                "item_id": blank(digits("SP", rng.integers(1, ITEMS + 1, count), 3), ~has_item),
                "offer_id": blank(offer, ~has_offer | is_drifted),
                "offer id": blank(offer, ~is_drifted),
                "referred_user_id": blank(self.account_ids(referred), kind != REFERRAL),
                "reward_points": blank(reward, kind != COMPLETED),
            }
        )

    def _orders(self, rng: np.random.Generator, span: Span) -> pl.DataFrame:
        """Vouchers, packages and services; a few are given back within the hour."""
        day, at = self._moments(rng, span, ORDERS_PER_PERSON_DAY)
        buyer = self._users(rng, day)
        day, at, buyer = day[buyer >= 0], at[buyer >= 0], buyer[buyer >= 0]
        count = len(day)
        category = pick(rng, CATEGORY_SHARES, count)
        gross = PRICES_FEN[category, rng.integers(0, PRICES_FEN.shape[1], count)]
        paid = gross - np.where(flip(rng, count, DISCOUNT_SHARE), gross // 10, 0)
        orders = pl.DataFrame(
            {
                "order_no": "X" + day_digits(day) + digits("", rank_in_group(day) + 1, 6),
                "user_id": self.account_ids(buyer),
                "paid_at": moments(at),
                "category": choose(CATEGORIES, category),
                "item_id": digits("SP", rng.integers(1, ITEMS + 1, count), 3),
                "gross_fen": gross,
                "paid_fen": paid,
                "refunded_order_no": pl.Series([None] * count, dtype=pl.String),
            }
        )
        is_refunded = flip(rng, count, REFUND_SHARE)
        # The app knows the base rate, and neither tiers nor bonus rules.
        shown = np.where(flip(rng, count, WRONGLY_SHOWN_SHARE), paid // 50, paid // 100)
        orders = orders.with_columns(shown_points=pl.Series(shown))
        refunds = orders.filter(pl.Series(is_refunded)).with_columns(
            pl.col("order_no") + "R",
            pl.col("paid_at") + pl.duration(minutes=40),
            -pl.col("gross_fen", "paid_fen"),
            refunded_order_no=pl.col("order_no"),
            shown_points=pl.lit(None, pl.Int64),
        )
        self.counts["orders"] += count
        self.counts["refunds"] += refunds.height
        return pl.concat([orders, refunds])

    def _moments(self, rng: np.random.Generator, span: Span, per_day: float) -> tuple[Ints, Ints]:
        """Business day and second of each event, in order; most happen in the evening."""
        day = days_of_events(rng, span, per_day * self.group.volume)
        hour = within(rng.normal(19.5, 4.0, len(day)), 7.0, 26.5)
        at = day * DAY_SECONDS + (hour * 3_600).astype(np.int64)
        order = np.argsort(at, kind="stable")
        return day[order], at[order]

    def _users(self, rng: np.random.Generator, day: Ints) -> Ints:
        """A user for each event, -1 where whoever was drawn has not joined yet."""
        user = pick(rng, self.visits, len(day))
        return np.where(self.accounts.registered[user] <= day, user, -1)


BUSINESS = MiniProgram
