"""The outlet centre: a second mall whose tills write quantities and prices, and nothing else."""

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
    dates,
    day_digits,
    days_of_events,
    digits,
    flip,
    moments,
    rank_in_group,
)

CUSTOMER_SHARE, KNOWN_SHARE, CANCELLED_SHARE = 0.15, 0.75, 0.03
INVOICES_PER_PERSON_DAY = 0.008
MOST_LINES, MOST_PIECES, PRODUCTS = 6, 4, 400
OPENS, CLOSES = 10 * 3_600, 21 * 3_600
FIRST_CUSTOMER = 10_000


class Outlet(Business):
    """The centre, its customers and its invoices."""

    source = "outlet"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "outlet")
        adults = np.flatnonzero(people.is_adult)
        person = adults[flip(rng, len(adults), CUSTOMER_SHARE)]
        number = FIRST_CUSTOMER + np.arange(len(person))
        self.accounts = open_accounts(rng, people, person, number)
        self.price_fen = 50 + rng.integers(0, 30_000, PRODUCTS)

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Customer numbers."""
        return digits("", self.accounts.number[accounts], 5)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Customers."""
        rows, is_later = self.accounts.due(day, is_first)
        customers = pl.DataFrame(
            {
                "customer_id": self.account_ids(rows),
                "customer_name": self.accounts.names(rows),
                "mobile": self.accounts.mobiles(rows, is_later),
                "registered_date": dates(self.accounts.registered[rows]),
                "is_marketing_consented": self.accounts.consents(rows, is_later),
            }
        )
        return {"customers": customers}

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Invoices of one to six lines; a few are cancelled whole, an hour later."""
        rng = chance(self.group, "outlet", span.first_day)
        day = days_of_events(rng, span, INVOICES_PER_PERSON_DAY * self.group.volume)
        account = rng.integers(0, max(self.accounts.count, 1), len(day))
        is_known = flip(rng, len(day), KNOWN_SHARE) & (self.accounts.count > 0)
        is_known[is_known] = self.accounts.registered[account[is_known]] <= day[is_known]
        customer = np.where(is_known, account, -1)
        number = day_digits(day) + digits("", rank_in_group(day) + 1, 5)
        second = day * DAY_SECONDS + rng.integers(OPENS, CLOSES, len(day))
        line = np.repeat(np.arange(len(day)), rng.integers(1, MOST_LINES + 1, len(day)))
        lines = self._lines(rng, line, number, second, customer)
        is_cancelled = flip(rng, len(day), CANCELLED_SHARE)
        cancelled = lines.filter(pl.Series(is_cancelled[line])).with_columns(
            pl.col("invoiced_at") + pl.duration(hours=1),
            -pl.col("quantity", "amount_fen"),
            invoice_no="C" + pl.col("invoice_no"),
        )
        self.counts["cancelled_invoices"] += int(is_cancelled.sum())
        self.counts["invoices_without_customer"] += int((customer < 0).sum())
        return {"invoice_lines": pl.concat([lines, cancelled])}

    def _lines(
        self, rng: np.random.Generator, line: Ints, number: pl.Series, second: Ints, customer: Ints
    ) -> pl.DataFrame:
        """Lines, given the invoice of each; the same goods may come twice on one invoice."""
        product = rng.integers(0, PRODUCTS, len(line))
        quantity = rng.integers(1, MOST_PIECES + 1, len(line))
        price_fen = self.price_fen[product]
        ids = self.account_ids(np.maximum(customer, 0)[line]) if self.accounts.count else ""
        return pl.DataFrame(
            {
                "invoice_no": number.gather(line),
                "stock_code": digits("", 20_000 + product, 5),
                "product_name": "商品" + pl.Series(product).cast(pl.String),
                "quantity": quantity,
                "invoiced_at": moments(second[line]),
                "unit_price": (pl.Series(price_fen).cast(pl.Decimal(38, 2)) / 100).cast(pl.String),
                "amount_fen": quantity * price_fen,
                "customer_id": blank(pl.Series(ids, dtype=pl.String), customer[line] < 0),
                "country": pl.Series(["中国"] * len(line), dtype=pl.String),
            }
        )


BUSINESS = Outlet
