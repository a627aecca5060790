"""The car parks: plates bound in the mini-program, sessions across midnight and the cut-off, payments at the gate."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from ingest.demo.accounts import FAMILY, OWN, Accounts, open_accounts, with_end, without_phone
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
    first_of_each,
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
REDEEM_SHARE, LEAST_REDEMPTION_POINTS = 0.25, 600


class Parking:
    """The car parks with their bound vehicles. `named` are the accounts of businesses that ask for names."""

    source = "parking"

    def __init__(self, group: Group, people: People, named: Sequence[Accounts]) -> None:
        self.group = group
        self.people = people
        rng = chance(group, "parking")
        self.accounts, self.car = self._vehicles(rng)
        self._find_sound_accounts(named)
        self.visits = eager(rng, self.accounts.count, 0.6)
        self.car_count = int(people.car.max(initial=0)) + 1
        self.counts: Counter[str] = Counter()

    def _vehicles(self, rng: np.random.Generator) -> tuple[Accounts, Ints]:
        """Bound vehicles and their cars: first drivers, a few second ones, and buyers of sold cars."""
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
        joined = accounts.registered.copy()
        joined[: len(driver)] = np.where(is_sold, np.minimum(joined[: len(driver)], sold_on - 60), joined[: len(driver)])
        joined[len(driver) :] = bought_on
        accounts = self._verified_phones(rng, replace(accounts, registered=joined))
        ended = np.full(len(person), NEVER)
        ended[: len(driver)][is_sold] = sold_on[is_sold]
        return with_end(accounts, ended), np.concatenate([car, car[is_sold]])

    def _verified_phones(self, rng: np.random.Generator, accounts: Accounts) -> Accounts:
        """The mini-program checks numbers by message: one's own or none, as it was on the day of binding."""
        is_without = (accounts.phone_kind != OWN) | flip(rng, accounts.count, WITHOUT_PHONE_SHARE)
        phone = self.people.number_on(accounts.person, accounts.registered)
        plain = replace(
            accounts,
            phone=phone,
            phone_style=np.zeros(accounts.count, dtype=np.int64),
            changed=np.where(accounts.changed > accounts.registered, accounts.changed, NEVER),
            is_name_mistyped=np.zeros(accounts.count, dtype=np.bool_),
            is_sound=accounts.phone_kind == OWN,
        )
        return without_phone(plain, is_without)

    def _find_sound_accounts(self, named: Sequence[Accounts]) -> None:
        """A car has no name: it is plain whose it is only if nobody else uses the number, nor the plate."""
        people = self.people
        is_shared = people.switch_day < NEVER
        for accounts in named:
            family = accounts.phone_kind == FAMILY
            is_shared[people.lender[accounts.person[family]]] = True
            is_shared[accounts.person[accounts.is_name_mistyped]] = True
        bound = np.bincount(self.car, minlength=int(self.car.max(initial=0)) + 1)
        is_sound = self.accounts.is_sound & (bound[self.car] == 1) & ~is_shared[self.accounts.person]
        self.accounts = replace(self.accounts, is_sound=is_sound)

    def truth(self, last_day: int) -> pl.DataFrame:
        rows = np.flatnonzero(self.accounts.registered <= last_day)
        return pl.DataFrame(
            {"account_id": self._vehicle_ids(rows), "person": self.accounts.person[rows]}
        )

    def facts(self, last_day: int) -> Mapping[str, int]:
        is_there = self.accounts.registered <= last_day
        sold = is_there & (self.accounts.ended(np.arange(len(is_there)), is_there) <= last_day)
        bound = np.bincount(self.car[is_there], minlength=1)
        return {
            **self.accounts.facts(last_day),
            "plates_bound_more_than_once": int((bound > 1).sum()),
            "sold_cars": int(sold.sum()),
            **self.counts,
        }

    def _vehicle_ids(self, rows: Ints) -> pl.Series:
        return digits("V", self.accounts.number[rows], 7)

    def masters(self, day: int, is_first: bool) -> Frames:
        accounts = self.accounts
        rows, is_later = accounts.due(day, is_first)
        vehicles = pl.DataFrame(
            {
                "vehicle_id": self._vehicle_ids(rows),
                "plate_no": plate_texts(self.car[rows]),
                "mobile": accounts.mobiles(rows, is_later),
                "bound_date": dates(accounts.registered[rows]),
                "unbound_date": dates(accounts.ended(rows, is_later)),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )
        return {"vehicles": vehicles}

    def activity(self, span: Span, wallet: Wallet) -> Frames:
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
        fee_fen = _fees(exited_at - entered_at)
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
        """Bound account (-1 for none) and car of each session; a car that is not bound that day is a stranger."""
        count = len(day)
        stranger = self.car_count + rng.integers(0, self.car_count * STRANGERS_PER_CAR, count)
        if self.accounts.count == 0:
            return np.full(count, -1), stranger
        account = pick(rng, self.visits, count)
        is_known = flip(rng, count, KNOWN_SHARE)
        car = np.where(is_known, self.car[account], stranger)
        is_bound = is_known & (self.accounts.registered[account] <= day) & (day < self.accounts.end_day[account])
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
        points = self._redemptions(rng, account, fee_fen, wallet)
        money_fen = fee_fen - points
        counts = (account >= 0) & (money_fen > 0)
        counts &= self.accounts.is_sound[account]
        wallet.earn(self.accounts.person[account[counts]], money_fen[counts] // 100)
        second_fen = np.where(flip(rng, len(day), TWO_PAYMENTS_SHARE) & (money_fen > 600), 600, 0)
        before = rng.integers(20, 600, len(day))
        opening = day * DAY_SECONDS + CUT_OFF_SECONDS  # paid on the business day of the exit, never before it
        paid_at = np.maximum(exited_at - before, opening)
        rows = np.concatenate([np.flatnonzero(fee_fen > 0), np.flatnonzero(second_fen > 0)])
        is_second = np.arange(len(rows)) >= int((fee_fen > 0).sum())
        order = np.lexsort((is_second, rows))
        rows, is_second = rows[order], is_second[order]
        return pl.DataFrame(
            {
                "payment_no": number.gather(rows) + choose(pl.Series(["-1", "-2"]), is_second.astype(np.int64)),
                "session_no": number.gather(rows),
                "paid_at": moments(np.where(is_second, exited_at[rows] - 5, paid_at[rows])),
                "paid_fen": np.where(is_second, second_fen[rows], (money_fen - second_fen)[rows]),
                "points_used": np.where(is_second, 0, points[rows]),
            }
        )

    def _redemptions(
        self, rng: np.random.Generator, account: Ints, fee_fen: Ints, wallet: Wallet
    ) -> Ints:
        """Points taken at the gate, wherever in the group they were earned; one point pays one fen."""
        points = np.zeros(len(fee_fen), dtype=np.int64)
        person = self.accounts.person[account]
        wants: Flags = flip(rng, len(fee_fen), REDEEM_SHARE) & (account >= 0) & (fee_fen > 0)
        wants &= self.accounts.is_sound[account]
        wants &= wallet.spendable[person] >= np.maximum(fee_fen, LEAST_REDEMPTION_POINTS)
        who = np.flatnonzero(wants)
        who = who[first_of_each(person[who])]
        wallet.spend(person[who], fee_fen[who])
        self.counts["redemptions"] += len(who)
        points[who] = fee_fen[who]
        return points


def _fees(seconds: Ints) -> Ints:
    """Tariff: half an hour free, then 6 yuan for each hour begun, at most 60 yuan for each 24 hours."""
    full_days, rest = seconds // DAY_SECONDS, seconds % DAY_SECONDS
    hours = -((FREE_SECONDS - rest) // 3_600)
    capped = np.minimum(np.maximum(hours, 0) * HOUR_FEN, DAY_CAP_FEN)
    return np.where(seconds <= FREE_SECONDS, 0, full_days * DAY_CAP_FEN + capped)
