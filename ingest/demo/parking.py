"""The car parks: plates bound in the mini-program, sessions across midnight, payments."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ingest.demo.accounts import (
    FAMILY,
    Accounts,
    open_accounts,
    with_checked_phones,
    with_end,
)
from ingest.demo.business import Business
from ingest.demo.faults import RATES
from ingest.demo.people import People, plate_texts
from ingest.demo.wallet import Wallet
from ingest.demo.world import (
    CUT_OFF_SECONDS,
    DAY_SECONDS,
    NEVER,
    Flags,
    Frames,
    Group,
    Ints,
    Span,
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
)

SESSIONS_PER_PERSON_DAY = 0.030
KNOWN_SHARE = 0.38  # of sessions are cars of the group's people; most cars are strangers'
STRANGERS_PER_CAR = 3
BINDING_SHARE, WITHOUT_PHONE_SHARE = 0.62, 0.12
LOTS = pl.Series(["P1", "P2", "P3", "H1", "C1", "C2", "C3", "C4"])  # mall, hotel, communities
LOT_SHARES = np.array([0.34, 0.22, 0.14, 0.08, 0.08, 0.06, 0.05, 0.03])
FIRST_COMMUNITY_LOT = 4
OVERNIGHT_SHARE, AFTER_MIDNIGHT_SHARE = 0.06, 0.05
FREE_SECONDS, HOUR_FEN, DAY_CAP_FEN = 1_800, 600, 6_000
VALIDATED_SHARE = 0.20  # of paid stays are made free by a shop's stamp
TWO_PAYMENTS_SHARE = 0.03
REDEEM_SHARE = 0.25


class Parking(Business):
    """The car parks and the vehicles bound in their mini-program."""

    source = "parking"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "parking")
        self.accounts, self.car = self._vehicles(rng)
        self.visits = eager(rng, self.accounts.count, 0.6)
        self.car_count = int(people.car.max(initial=0)) + 1

    def _vehicles(self, rng: np.random.Generator) -> tuple[Accounts, Ints]:
        """Bound vehicles and their cars: first drivers, some second ones, buyers of sold cars."""
        people = self.people
        driver = np.flatnonzero(people.car >= 0)
        car = people.car[driver]
        order = np.argsort(car, kind="stable")
        driver, car = driver[order], car[order]
        is_main = rank_in_group(car) == 0
        share = np.where(is_main, BINDING_SHARE, RATES.second_driver)
        binds = rng.random(len(driver)) < share
        driver, car, is_main = driver[binds], car[binds], is_main[binds]
        is_sold = is_main & flip(rng, len(driver), RATES.sold_car)
        sold_on = people.first_day + rng.integers(-300, 60, len(driver))
        adults = np.flatnonzero(people.is_adult)
        buyer = adults[rng.integers(0, len(adults), int(is_sold.sum()))]
        bought_on = sold_on[is_sold] + rng.integers(2, 40, len(buyer))
        person = np.concatenate([driver, buyer])
        number = spread(np.arange(len(person)), 7, 90_817)
        accounts = open_accounts(rng, people, person, number)
        ended = np.r_[np.where(is_sold, sold_on, NEVER), np.full(len(buyer), NEVER)]
        joined = np.minimum(accounts.registered, ended - 60)
        joined[len(driver) :] = bought_on
        accounts = replace(accounts, registered=joined)
        accounts = with_checked_phones(rng, accounts, WITHOUT_PHONE_SHARE)
        return with_end(accounts, ended), np.concatenate([car, car[is_sold]])

    def meet(self, others: Sequence[Business]) -> None:
        """Without a name it is plain whose car it is only if nobody else uses number or plate."""
        people = self.people
        is_shared = people.switch_day < NEVER
        for accounts in (other.accounts for other in others):
            family = accounts.phone_kind == FAMILY
            is_shared[people.lender[accounts.person[family]]] = True
            is_shared[accounts.person[accounts.is_name_mistyped]] = True
        bound = np.bincount(self.car, minlength=int(self.car.max(initial=0)) + 1)
        is_sound = (bound[self.car] == 1) & ~is_shared[self.accounts.person]
        self.accounts = replace(self.accounts, is_sound=self.accounts.is_sound & is_sound)

    def hazards(self, is_there: Flags, last_day: int) -> Mapping[str, int]:
        """Plates that several people bound, and cars that were sold."""
        bound = np.bincount(self.car[is_there], minlength=1)
        return {
            "plates_bound_more_than_once": int((bound > 1).sum()),
            "sold_cars": int((is_there & (self.accounts.end_day <= last_day)).sum()),
        }

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of bound vehicles."""
        return digits("V", self.accounts.number[accounts], 7)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Bound vehicles."""
        accounts = self.accounts
        rows, is_later = accounts.due(day, is_first)
        vehicles = pl.DataFrame(
            {
                "vehicle_id": self.account_ids(rows),
                "plate_no": plate_texts(self.car[rows]),
                "mobile": accounts.mobiles(rows, is_later),
                "bound_date": dates(accounts.registered[rows]),
                "unbound_date": dates(accounts.ended(rows, is_later)),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )
        return {"vehicles": vehicles}

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Sessions by day of exit, and their payments."""
        rng = chance(self.group, "parking", span.first_day)
        day = days_of_events(rng, span, SESSIONS_PER_PERSON_DAY * self.group.volume)
        entered_at, exited_at = self._times(rng, day)
        order = np.lexsort((exited_at, day))
        entered_at, exited_at = entered_at[order], exited_at[order]
        lot = pick(rng, LOT_SHARES, len(day))
        account, car = self._cars(rng, day)
        number = "T" + day_digits(day) + digits("", rank_in_group(day) + 1, 7)
        sessions = pl.DataFrame(
            {
                "session_no": number,
                "lot_no": choose(LOTS, lot),
                "plate_no": plate_texts(car),
                "entered_at": moments(entered_at),
                "exited_at": moments(exited_at),
            }
        )
        fee_fen = fees(exited_at - entered_at)
        is_resident = (lot >= FIRST_COMMUNITY_LOT) & (account >= 0)
        fee_fen[is_resident | flip(rng, len(day), VALIDATED_SHARE)] = 0
        payments = self._payments(rng, number, day, exited_at, fee_fen, account, wallet)
        return {"sessions": sessions, "payments": payments}

    def _times(self, rng: np.random.Generator, day: Ints) -> tuple[Ints, Ints]:
        """Entry and exit; the exit lies in the business day, the entry may be long before."""
        count = len(day)
        hour = np.clip(rng.normal(17.2, 3.6, count), 7.0, 23.98)
        minutes = np.clip(rng.lognormal(4.65, 0.75, count), 4, 700)
        draw = rng.random(count)
        overnight = draw < OVERNIGHT_SHARE
        after_midnight = (draw >= OVERNIGHT_SHARE) & (draw < OVERNIGHT_SHARE + AFTER_MIDNIGHT_SHARE)
        hour = np.where(overnight, rng.uniform(4.1, 9.8, count), hour)
        minutes = np.where(overnight, rng.uniform(90, 840, count), minutes)
        hour = np.where(after_midnight, rng.uniform(24.05, 27.95, count), hour)
        minutes = np.where(after_midnight, rng.uniform(100, 420, count), minutes)
        exited_at = day * DAY_SECONDS + (hour * 3_600).astype(np.int64)
        return exited_at - (minutes * 60).astype(np.int64), exited_at

    def _cars(self, rng: np.random.Generator, day: Ints) -> tuple[Ints, Ints]:
        """Account (-1 where the car is not bound on that day) and car of each session."""
        count = len(day)
        stranger = self.car_count + rng.integers(0, self.car_count * STRANGERS_PER_CAR, count)
        account = pick(rng, self.visits, count)
        is_known = flip(rng, count, KNOWN_SHARE)
        car = np.where(is_known, self.car[account], stranger)
        is_bound = is_known & (self.accounts.registered[account] <= day)
        is_bound &= day < self.accounts.end_day[account]
        self.counts["sessions_of_unbound_cars"] += int((~is_bound).sum())
        return np.where(is_bound, account, -1), car

    def _payments(
        self,
        rng: np.random.Generator,
        number: pl.Series,
        day: Ints,
        exited_at: Ints,
        fee_fen: Ints,
        account: Ints,
        wallet: Wallet,
    ) -> pl.DataFrame:
        """What is paid at the gate: points first, then money, now and then in two goes."""
        person = self.accounts.known_person(account)
        wants = flip(rng, len(day), REDEEM_SHARE) & (fee_fen > 0)
        points = wallet.redeem(person, wants, most=fee_fen, least=fee_fen)
        money_fen = fee_fen - points
        wallet.earn(person, money_fen // 100)
        self.counts["redemptions"] += int((points > 0).sum())
        second_fen = np.where(flip(rng, len(day), TWO_PAYMENTS_SHARE) & (money_fen > 600), 600, 0)
        before = rng.integers(20, 600, len(day))
        opening = day * DAY_SECONDS + CUT_OFF_SECONDS  # the payment is of the exit's business day
        paid_at = np.maximum(exited_at - before, opening)
        rows = np.concatenate([np.flatnonzero(fee_fen > 0), np.flatnonzero(second_fen > 0)])
        is_second = np.arange(len(rows)) >= int((fee_fen > 0).sum())
        order = np.lexsort((is_second, rows))
        rows, is_second = rows[order], is_second[order]
        return pl.DataFrame(
            {
                "payment_no": number.gather(rows)
                + choose(pl.Series(["-1", "-2"]), is_second.astype(np.int64)),
                "session_no": number.gather(rows),
                "paid_at": moments(np.where(is_second, exited_at[rows] - 5, paid_at[rows])),
                "paid_fen": np.where(is_second, second_fen[rows], (money_fen - second_fen)[rows]),
                "points_used": np.where(is_second, 0, points[rows]),
            }
        )


def fees(seconds: Ints) -> Ints:
    """Tariff: half an hour free, then 6 yuan for each hour begun, at most 60 for each 24 hours."""
    full_days, rest = seconds // DAY_SECONDS, seconds % DAY_SECONDS
    hours = -((FREE_SECONDS - rest) // 3_600)
    capped = np.minimum(np.maximum(hours, 0) * HOUR_FEN, DAY_CAP_FEN)
    return np.where(seconds <= FREE_SECONDS, 0, full_days * DAY_CAP_FEN + capped)


BUSINESS = Parking
