"""The mall's point of sale: merchants, members, sale lines (most of them anonymous), tenders.

Beside it the payment channel bills what was paid by QR code, and what it paid on to the shops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import polars as pl

from ingest.demo import split_bill
from ingest.demo.accounts import Accounts, open_accounts
from ingest.demo.business import Business
from ingest.demo.faults import ABSURD_BIRTH_DATES, RATES
from ingest.demo.people import FEMALE, People, fixed_text, written_plates
from ingest.demo.split_bill import Sales, split_rows
from ingest.demo.trade_bill import SOURCE, TABLE, Trades, bill_rows
from ingest.demo.wallet import Wallet, part_of
from ingest.demo.world import (
    DAY_SECONDS,
    NEVER,
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
    first_of_each,
    flip,
    moments,
    pick,
    rank_in_group,
    shares_of,
    spread,
    within,
)

RECEIPTS_PER_PERSON_DAY = 0.0325
LINE_COUNT_SHARES = np.array([0.62, 0.24, 0.10, 0.04])  # 1 to 4 lines a receipt
QUANTITY_SHARES = np.array([0.93, 0.055, 0.015])
DISCOUNT_PERCENTS = np.array([0, 5, 10, 15, 20, 30, 50])
DISCOUNT_SHARES = np.array([0.62, 0.08, 0.10, 0.07, 0.07, 0.04, 0.02])
JOINS_WOMEN, JOINS_MEN, JOINS_CHILDREN = 0.88, 0.58, 0.10  # as many women as in the real store
VOUCHER_SHARE, VOUCHER_FEN = 0.05, np.array([2_000, 5_000, 10_000])
REDEEM_SHARE, LEAST_REDEMPTION_POINTS = 0.10, 500
GRAND_WEEKDAY, GRAND_LINE_FEN = 5, (6_800_000, 23_000_000)  # every Saturday somebody buys a watch
LAST_RETURN_DAY = 15
TENDER_TYPES = pl.Series(["points", "voucher", "wechat", "alipay", "card", "cash"])
POINTS, VOUCHER, WECHAT = 0, 1, 2
MONEY_SHARES = np.array([0.49, 0.24, 0.21, 0.06])
TENDER_PLACES = 4  # points, voucher, and up to two kinds of money


@dataclass(frozen=True)
class Category:
    """A kind of shop: how many, share of receipts, median line in yuan, how heavy the tail is."""

    name: str
    merchants: int
    share: float
    median_yuan: float
    sigma: float
    floor: str
    closes_hour: float  # beyond 24 is after midnight


CATEGORIES = (
    Category("餐饮", 10, 0.27, 92, 0.55, "B1", 25.9),
    Category("超市", 2, 0.17, 66, 0.70, "B2", 22.0),
    Category("女装", 9, 0.11, 430, 0.62, "2F", 22.0),
    Category("男装", 5, 0.05, 490, 0.60, "3F", 22.0),
    Category("童装", 4, 0.05, 210, 0.50, "4F", 22.0),
    Category("运动", 6, 0.08, 390, 0.58, "4F", 22.0),
    Category("化妆品", 7, 0.10, 340, 0.75, "1F", 22.0),
    Category("珠宝", 5, 0.015, 3_400, 1.00, "1F", 22.0),
    Category("鞋包", 5, 0.05, 720, 0.85, "1F", 22.0),
    Category("家居", 3, 0.03, 280, 0.90, "5F", 22.0),
    Category("数码", 2, 0.025, 1_400, 1.00, "5F", 22.0),
    Category("娱乐", 2, 0.05, 78, 0.40, "6F", 25.9),
)
JEWELLERY = 7
PRODUCTS_PER_CATEGORY = 5
PRODUCTS = (  # five of each category in turn
    "双人套餐 午市套餐 单点 饮品 外带 生鲜 粮油 日化 零食 酒水 连衣裙 衬衫 大衣 针织衫 半身裙 "
    "西装 商务衬衫 夹克 休闲裤 皮带 童裙 童裤 童鞋 婴儿服 书包 跑鞋 运动服 羽毛球拍 瑜伽垫 背包 "
    "精华液 口红 面霜 洁面乳 香水 黄金手链 钻戒 项链 手表 耳环 女鞋 男鞋 手提包 钱包 行李箱 "
    "床品 餐具 香薰 灯具 收纳 手机 耳机 平板电脑 充电器 手环 电影票 游戏币 欢唱套餐 会员日票 小食"
)
BRANDS = "小馆 超市 衣橱 男装 童品 运动 美妆 珠宝 皮具 家居 数码 影城"  # one of each category
MERCHANT_PREFIXES = pl.Series(list("青禾云山海悦星月春和"))


@dataclass(frozen=True)
class Receipts:
    """One item a receipt; `buyer` is the account shown at the till, -1 for none."""

    number: pl.Series
    day: Ints
    sold_at: Ints
    merchant: Ints
    buyer: Ints
    is_grand: Flags


@dataclass(frozen=True)
class Lines:
    """One item a sale line; `receipt` is its receipt's position, ascending."""

    receipt: Ints
    product: Ints
    quantity: Ints
    list_fen: Ints
    paid_fen: Ints


@dataclass(frozen=True)
class Tenders:
    """(receipts, TENDER_PLACES) each: kind of tender, amount in fen; 0 where a place is unused."""

    kind: Ints
    amount_fen: Ints


@dataclass(frozen=True)
class Returns:
    """What comes back of receipts that are named right: (returns, TENDER_PLACES) amounts."""

    receipt: Ints
    day: Ints
    back_fen: Ints


class Mall(Business):
    """The mall with its members and what is still to be returned."""

    source = "pos"
    elsewhere = MappingProxyType({TABLE: SOURCE, split_bill.TABLE: split_bill.SOURCE})

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "mall")
        self._set_up_shops(rng)
        self.accounts = _members(rng, people)
        self._set_up_cards(rng)
        self.visits = eager(rng, self.accounts.count, 0.40)
        self.later_lines: list[pl.DataFrame] = []  # of returns that fall due on a later day
        self.later_tenders: list[pl.DataFrame] = []
        self.later_trades: list[pl.DataFrame] = []  # also of sales after the bill's midnight
        self.later_splits: list[pl.DataFrame] = []  # of the day after a payment or return

    def _set_up_shops(self, rng: np.random.Generator) -> None:
        counts = [category.merchants for category in CATEGORIES]
        self.shop_category = np.repeat(np.arange(len(CATEGORIES)), counts)
        share = np.array([category.share for category in CATEGORIES])
        popularity = rng.gamma(2, 1, len(self.shop_category))
        total = np.bincount(self.shop_category, popularity)
        self.shop_weight = share[self.shop_category] * popularity / total[self.shop_category]
        self.shop_opened = self.people.first_day - rng.integers(450, 3_000, len(self.shop_category))

    def _set_up_cards(self, rng: np.random.Generator) -> None:
        """What the card desk knows of each member beyond name and phone."""
        accounts, people = self.accounts, self.people
        count = accounts.count
        self.has_gender = ~flip(rng, count, RATES.missing_gender)
        self.birth_known = ~flip(rng, count, RATES.missing_birth_date)
        absurd = rng.integers(0, len(ABSURD_BIRTH_DATES), count)
        self.absurd_birth = np.where(flip(rng, count, RATES.absurd_birth_date), absurd, -1)
        alphabet = np.frombuffer(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", np.uint8
        )
        codes = alphabet[rng.integers(0, 64, (people.count, 27), dtype=np.uint8)]
        self.unionid = "o" + fixed_text(codes)
        self.has_unionid = people.is_adult[accounts.person] & flip(rng, count, 0.55)
        self.has_plate = (people.car[accounts.person] >= 0) & flip(rng, count, 0.35)

    def hazards(self, is_there: Flags, last_day: int) -> Mapping[str, int]:
        """Birthdays and genders that the card desk lacks, and birthdays that cannot be."""
        is_absurd = self.birth_known & (self.absurd_birth >= 0)
        return {
            "missing_genders": int((is_there & ~self.has_gender).sum()),
            "missing_birth_dates": int((is_there & ~self.birth_known).sum()),
            "absurd_birth_dates": int((is_there & is_absurd).sum()),
        }

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of accounts; NULL for position -1."""
        return blank(digits("", self.accounts.number[accounts], 8), accounts < 0)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Merchants and members."""
        return {
            "merchants": self._merchant_rows(day, is_first),
            "members": self._member_rows(day, is_first),
        }

    def _merchant_rows(self, day: int, is_first: bool) -> pl.DataFrame:
        """All shops, or on some days one that moved to another floor."""
        shop = np.arange(len(self.shop_category))
        if not is_first:
            shop = shop[shop == day % 331]
        category = self.shop_category[shop]
        floor = pl.Series([entry.floor for entry in CATEGORIES])
        first, second = shop % 10, (shop // 10 + 3) % 10
        name = choose(MERCHANT_PREFIXES, first) + choose(MERCHANT_PREFIXES, second)
        return pl.DataFrame(
            {
                "merchant_id": digits("S", shop + 1, 4),
                "merchant_name": name + choose(pl.Series(BRANDS.split()), category),
                "category": choose(pl.Series([entry.name for entry in CATEGORIES]), category),
                "floor": choose(floor, category if is_first else (category + 1) % len(CATEGORIES)),
                "opened_date": dates(self.shop_opened[shop]),
            }
        )

    def _member_rows(self, day: int, is_first: bool) -> pl.DataFrame:
        accounts, people = self.accounts, self.people
        rows, is_later = accounts.due(day, is_first)
        person = accounts.person[rows]
        absurd = pl.Series(ABSURD_BIRTH_DATES).str.to_date()
        is_absurd = self.absurd_birth[rows] >= 0
        birth = choose(absurd, self.absurd_birth[rows]).zip_with(
            pl.Series(is_absurd), dates(people.birth_day[person])
        )
        gender = choose(pl.Series(["male", "female"]), people.sex[person])
        return pl.DataFrame(
            {
                "member_no": self.account_ids(rows),
                "card_no": digits("6688", spread(accounts.number[rows], 12, self.group.offset), 12),
                "member_name": accounts.names(rows),
                "gender": blank(gender, ~self.has_gender[rows]),
                "birth_date": blank(birth, ~self.birth_known[rows]),
                "mobile": accounts.mobiles(rows, is_later),
                "is_mobile_verified": accounts.verified(rows, is_later),
                "unionid": blank(choose(self.unionid, person), ~self.has_unionid[rows]),
                "plate_no": written_plates(
                    np.where(self.has_plate[rows], people.car[person], -1), accounts.number[rows]
                ),
                "registered_date": dates(accounts.registered[rows]),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Sale lines, tenders and the channel's bills; what is returned later waits."""
        rng = chance(self.group, "mall", span.first_day)
        receipts = self._receipts(rng, span)
        lines = self._lines(rng, receipts)
        due_fen = np.bincount(lines.receipt, lines.paid_fen, len(receipts.day)).astype(np.int64)
        tenders = self._tenders(rng, receipts, due_fen, wallet)
        billed = self._bill(span, receipts, tenders)
        returns = self._plan_returns(rng, receipts, lines, tenders, wallet)
        self._split(receipts, tenders, billed, returns)
        sales = [self._sale_rows(receipts, lines), *self.later_lines]
        paid = [_tender_rows(receipts.number, receipts.day, tenders), *self.later_tenders]
        due_sales, self.later_lines = _due(sales, span)
        due_tenders, self.later_tenders = _due(paid, span)
        due_trades, self.later_trades = _due(self.later_trades, span)
        due_splits, self.later_splits = _due(self.later_splits, span)
        return {
            "sales": due_sales,
            "tenders": due_tenders,
            TABLE: due_trades,
            split_bill.TABLE: due_splits,
        }

    def _receipts(self, rng: np.random.Generator, span: Span) -> Receipts:
        """Who bought when and where; documents are numbered in the order of the day."""
        day = days_of_events(rng, span, RECEIPTS_PER_PERSON_DAY * self.group.volume)
        shop = pick(rng, self.shop_weight, len(day))
        is_grand = first_of_each(day) & ((day + 3) % 7 == GRAND_WEEKDAY)
        shop[is_grand] = np.flatnonzero(self.shop_category == JEWELLERY)[0]
        buyer, is_shown = self._buyers(rng, day, is_grand)
        closes = np.array([entry.closes_hour for entry in CATEGORIES])[self.shop_category[shop]]
        hour = within(rng.normal(closes - 6.2, 2.8, len(day)), 10.0, closes)
        sold_at = day * DAY_SECONDS + (hour * 3_600).astype(np.int64)
        order = np.lexsort((shop, sold_at, day))
        day, sold_at, shop = day[order], sold_at[order], shop[order]
        number = choose(pl.Series(["M01", "M02"]), (shop >= 40).astype(np.int64)) + day_digits(day)
        return Receipts(
            number=number + digits("", rank_in_group(day) + 1, 6),
            day=day,
            sold_at=sold_at,
            merchant=shop,
            buyer=np.where(is_shown, buyer, -1)[order],
            is_grand=is_grand[order],
        )

    def _buyers(self, rng: np.random.Generator, day: Ints, is_grand: Flags) -> tuple[Ints, Flags]:
        """Account of each buyer (-1 for a stranger), and whether the card was shown."""
        shown_share = 1 - RATES.anonymous_lines
        is_member = flip(rng, len(day), shown_share / (1 - RATES.member_without_card)) | is_grand
        buyer = pick(rng, self.visits, len(day))
        for _ in range(6):  # who has not joined yet makes room for somebody who has
            early = np.flatnonzero(self.accounts.registered[buyer] > day)
            buyer[early] = pick(rng, self.visits, len(early))
        is_member &= self.accounts.registered[buyer] <= day
        is_shown = is_member & (~flip(rng, len(day), RATES.member_without_card) | is_grand)
        self.counts["members_without_card"] += int((is_member & ~is_shown).sum())
        return np.where(is_member, buyer, -1), is_shown

    def _lines(self, rng: np.random.Generator, receipts: Receipts) -> Lines:
        count = pick(rng, LINE_COUNT_SHARES, len(receipts.day)) + 1
        receipt = np.repeat(np.arange(len(count)), count)
        category = self.shop_category[receipts.merchant[receipt]]
        median = np.array([entry.median_yuan for entry in CATEGORIES])[category]
        sigma = np.array([entry.sigma for entry in CATEGORIES])[category]
        unit_yuan = np.exp(np.log(median) + sigma * rng.standard_normal(len(receipt)))
        unit_fen = np.maximum(np.floor(unit_yuan), 1).astype(np.int64) * 100
        unit_fen -= np.where(flip(rng, len(receipt), 0.25) & (unit_fen > 200), 10, 0)
        is_watch = receipts.is_grand[receipt] & (rank_in_group(receipt) == 0)
        unit_fen = np.where(is_watch, rng.integers(*GRAND_LINE_FEN, len(receipt)), unit_fen)
        quantity = pick(rng, QUANTITY_SHARES, len(receipt)) + 1
        list_fen = unit_fen * quantity
        percent = DISCOUNT_PERCENTS[pick(rng, DISCOUNT_SHARES, len(receipt))]
        discount_fen = list_fen * percent // 1_000 * 10  # tills give discounts in whole jiao
        product = category * PRODUCTS_PER_CATEGORY + rng.integers(
            0, PRODUCTS_PER_CATEGORY, len(receipt)
        )
        return Lines(receipt, product, quantity, list_fen, list_fen - discount_fen)

    def _tenders(
        self, rng: np.random.Generator, receipts: Receipts, due_fen: Ints, wallet: Wallet
    ) -> Tenders:
        """Points, vouchers and money that add up to what is due."""
        count = len(due_fen)
        person = self.accounts.known_person(receipts.buyer)
        points = self._redemptions(rng, person, due_fen, wallet)
        voucher = VOUCHER_FEN[rng.integers(0, len(VOUCHER_FEN), count)]
        fits = (due_fen - points >= 3 * voucher) & flip(rng, count, VOUCHER_SHARE)
        voucher = np.where(fits, voucher, 0)
        money = due_fen - points - voucher
        has_two = flip(rng, count, 0.04) & (money > 1_000)
        second = np.where(has_two, money // 300 * 100, 0)
        kind = np.zeros((count, TENDER_PLACES), dtype=np.int64)
        kind[:, 0], kind[:, 1] = POINTS, VOUCHER
        kind[:, 2] = 2 + pick(rng, MONEY_SHARES, count)
        kind[:, 3] = 2 + (kind[:, 2] - 1) % len(MONEY_SHARES)
        wallet.earn(person, money // 100)
        return Tenders(kind, np.stack([points, voucher, money - second, second], axis=1))

    def _redemptions(
        self, rng: np.random.Generator, person: Ints, due_fen: Ints, wallet: Wallet
    ) -> Ints:
        """Points that each receipt takes: a third of what is due, or more."""
        count = len(due_fen)
        points = wallet.redeem(
            person,
            wants=flip(rng, count, REDEEM_SHARE),
            most=part_of(due_fen, rng.integers(30, 151, count)),
            least=LEAST_REDEMPTION_POINTS,
            overdraws=flip(rng, count, RATES.overdrawn_redemptions),
        )
        is_over = (points > 0) & (wallet.spendable[person] < 0)
        self.counts["redemptions"] += int((points > 0).sum())
        self.counts["overdrawn_redemptions"] += int(is_over.sum())
        return points

    def _plan_returns(
        self,
        rng: np.random.Generator,
        receipts: Receipts,
        lines: Lines,
        tenders: Tenders,
        wallet: Wallet,
    ) -> Returns:
        """Choose receipts that come back in two weeks, whole or one line, and keep the rows."""
        due_fen = tenders.amount_fen.sum(axis=1)
        who = np.flatnonzero(flip(rng, len(due_fen), RATES.returned_receipts))
        delay = np.minimum(rng.geometric(0.25, len(who)), LAST_RETURN_DAY)
        is_partial = flip(rng, len(who), RATES.partial_returns)
        lines_back = np.zeros(len(due_fen), dtype=np.int64)
        lines_back[who] = np.where(is_partial, 1, len(LINE_COUNT_SHARES))
        position = np.cumsum(lines_back > 0) - 1
        is_back = rank_in_group(lines.receipt) < lines_back[lines.receipt]
        kept = Lines(
            position[lines.receipt[is_back]],
            lines.product[is_back],
            -lines.quantity[is_back],
            -lines.list_fen[is_back],
            -lines.paid_fen[is_back],
        )
        back_fen = -np.bincount(kept.receipt, kept.paid_fen, len(who)).astype(np.int64)
        given_back = shares_of(tenders.amount_fen[who], due_fen[who], back_fen)
        money_fen = np.where(tenders.kind[who] > VOUCHER, given_back, 0).sum(axis=1)
        wallet.earn(self.accounts.known_person(receipts.buyer[who]), -money_fen // 100)
        day = receipts.day[who] + delay
        original = receipts.number.gather(who)
        unknown = flip(rng, len(who), RATES.return_of_unknown_receipt)
        self.counts["returns"] += len(who)
        self.counts["partial_returns"] += int((back_fen < due_fen[who]).sum())
        self.counts["returns_of_unknown_receipts"] += int(unknown.sum())
        lost = "M01190101" + original.str.slice(-6)
        back = Receipts(
            number=original + "R",
            day=day,
            sold_at=day * DAY_SECONDS + rng.integers(10 * 3_600, 21 * 3_600, len(who)),
            merchant=receipts.merchant[who],
            buyer=receipts.buyer[who],
            is_grand=receipts.is_grand[who],
        )
        named = lost.zip_with(pl.Series(unknown), original)
        self.later_lines.append(self._sale_rows(back, kept, named))
        returned = Tenders(tenders.kind[who], -given_back)
        self.later_tenders.append(_tender_rows(back.number, day, returned))
        self._bill_refunds(back, returned, named, _numbers(tenders)[who])
        return Returns(who[~unknown], day[~unknown], given_back[~unknown])

    def _bill(self, span: Span, receipts: Receipts, tenders: Tenders) -> tuple[Ints, Ints]:
        """What was paid by WeChat, but for a few payments that its bill lacks: receipt and place of
        those that it holds.
        """
        rng = chance(self.group, "trades", span.first_day)
        receipt, place = _by_wechat(tenders)
        is_missing = flip(rng, len(receipt), RATES.payment_missing_in_bill)
        is_late = receipts.sold_at[receipt] // DAY_SECONDS > receipts.day[receipt]
        self.counts["payments_missing_in_bill"] += int(is_missing.sum())
        self.counts["payments_after_midnight"] += int((is_late & ~is_missing).sum())
        receipt, place = receipt[~is_missing], place[~is_missing]
        trades = Trades(
            receipt_no=receipts.number.gather(receipt),
            tender_no=_numbers(tenders)[receipt, place],
            moment=receipts.sold_at[receipt],
            merchant=receipts.merchant[receipt],
            person=self.accounts.owner(receipts.buyer[receipt]),
            amount_fen=tenders.amount_fen[receipt, place],
        )
        self.later_trades.append(bill_rows(trades, self.group.offset))
        return receipt, place

    def _split(
        self, receipts: Receipts, tenders: Tenders, billed: tuple[Ints, Ints], returns: Returns
    ) -> None:
        """What the channel pays on of the payments that it has billed."""
        receipt, place = billed
        back_fen, day = np.zeros_like(tenders.amount_fen), np.full(len(receipts.day), NEVER)
        back_fen[returns.receipt], day[returns.receipt] = returns.back_fen, returns.day
        sales = Sales(
            receipt_no=receipts.number.gather(receipt),
            tender_no=_numbers(tenders)[receipt, place],
            place=place,
            day=receipts.day[receipt],
            moment=receipts.sold_at[receipt],
            merchant=receipts.merchant[receipt],
            category=self.shop_category[receipts.merchant[receipt]],
            kind=tenders.kind[receipt],
            paid_fen=tenders.amount_fen[receipt],
            back_fen=back_fen[receipt],
            returned_day=day[receipt],
        )
        rows, failed_count = split_rows(sales)
        self.counts["splits_failed"] += failed_count
        self.later_splits.append(rows)

    def _bill_refunds(
        self, back: Receipts, returned: Tenders, original: pl.Series, numbers: Ints
    ) -> None:
        """What goes back by WeChat; `numbers` are those of the tenders that it was paid with."""
        receipt, place = _by_wechat(returned)
        trades = Trades(
            receipt_no=original.gather(receipt),
            tender_no=numbers[receipt, place],
            moment=back.sold_at[receipt],
            merchant=back.merchant[receipt],
            person=self.accounts.owner(back.buyer[receipt]),
            amount_fen=-returned.amount_fen[receipt, place],
            return_no=back.number.gather(receipt),
            return_tender_no=_numbers(returned)[receipt, place],
        )
        self.later_trades.append(bill_rows(trades, self.group.offset))

    def _sale_rows(
        self, receipts: Receipts, lines: Lines, original: pl.Series | None = None
    ) -> pl.DataFrame:
        of, rank = lines.receipt, rank_in_group(lines.receipt)
        shop = receipts.merchant[of]
        buyer = receipts.buyer[of]
        categories = pl.Series([entry.name for entry in CATEGORIES])
        return pl.DataFrame(
            {
                "receipt_no": receipts.number.gather(of),
                "line_no": rank + 1,
                "store_no": choose(pl.Series(["M01", "M02"]), (shop >= 40).astype(np.int64)),
                "till_no": digits("", shop * 3 + receipts.sold_at[of] % 3 + 1, 3),
                "merchant_id": digits("S", shop + 1, 4),
                "member_no": self.account_ids(buyer),
                "sold_at": moments(receipts.sold_at[of]),
                "product_name": choose(pl.Series(PRODUCTS.split()), lines.product),
                "category": choose(categories, self.shop_category[shop]),
                "quantity": lines.quantity,
                "list_fen": lines.list_fen,
                "discount_fen": lines.list_fen - lines.paid_fen,
                "paid_fen": lines.paid_fen,
                "original_receipt_no": (receipts.number if original is None else original)
                .gather(of)
                .zip_with(pl.Series([original is not None]), pl.Series([None], dtype=pl.String)),
                "_day": receipts.day[of],
            }
        )


def _members(rng: np.random.Generator, people: People) -> Accounts:
    """Members: whoever took over a recycled number joined too, and a few people joined twice."""
    adult_share = np.where(people.sex == FEMALE, JOINS_WOMEN, JOINS_MEN)
    share = np.where(people.is_adult, adult_share, JOINS_CHILDREN)
    joins = (rng.random(people.count) < share) | people.has_taken_number
    person = np.flatnonzero(joins)
    again = person[flip(rng, len(person), RATES.second_profile)]
    person = np.concatenate([person, again])
    number = spread(np.arange(len(person)), 8, 10_203_040)
    return open_accounts(rng, people, person, number)


def _by_wechat(tenders: Tenders) -> tuple[Ints, Ints]:
    """Receipt and place of each tender by WeChat."""
    receipt, place = np.nonzero((tenders.kind == WECHAT) & (tenders.amount_fen != 0))
    return receipt, place


def _numbers(tenders: Tenders) -> Ints:
    """The number of each tender within its receipt, by receipt and place."""
    numbers: Ints = np.cumsum(tenders.amount_fen != 0, axis=1)
    return numbers


def _tender_rows(number: pl.Series, day: Ints, tenders: Tenders) -> pl.DataFrame:
    """One row for each tender that is not zero, numbered within its receipt."""
    receipt, place = np.nonzero(tenders.amount_fen)
    amount_fen = tenders.amount_fen[receipt, place]
    kind = tenders.kind[receipt, place]
    voucher = "Q" + number.gather(receipt).str.slice(3, 12)
    return pl.DataFrame(
        {
            "receipt_no": number.gather(receipt),
            "tender_no": rank_in_group(receipt) + 1,
            "tender_type": choose(TENDER_TYPES, kind),
            "amount_fen": amount_fen,
            "points": blank(pl.Series(amount_fen), kind != POINTS),
            "voucher_no": blank(voucher, kind != VOUCHER),
            "_day": day[receipt],
        }
    )


def _due(frames: list[pl.DataFrame], span: Span) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """Rows of a span of days, and the rows that wait for later days."""
    rows = pl.concat(frames)
    is_due = pl.col("_day") <= span.last_day
    waiting = rows.filter(~is_due)
    return rows.filter(is_due).sort("_day", maintain_order=True).drop("_day"), [waiting]


BUSINESS = Mall
