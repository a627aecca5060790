"""The hotel's PMS: guest profiles typed by many desks, bookings with their fate, stays, folios,
refunds.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl

from ingest.demo.accounts import (
    AGENT,
    CHINESE,
    PINYIN_FAMILY_FIRST,
    PINYIN_GIVEN_FIRST,
    TRADITIONAL,
    Accounts,
    open_accounts,
    without_phone,
)
from ingest.demo.business import Business
from ingest.demo.faults import RATES
from ingest.demo.legacy import ACCOUNT_COUNT, CUT_OVER, legacy_balances
from ingest.demo.people import MOBILE_PREFIXES, People
from ingest.demo.wallet import Wallet, part_of
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
    day_number,
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

BOOKINGS_PER_PERSON_DAY = 0.0018
GUEST_SHARE, CHILD_GUEST_SHARE = 0.42, 0.04
LONGEST_LEAD_DAYS, LONGEST_STAY_NIGHTS = 45, 9
CHANNELS = ("direct", "web", "corporate", "agency")
DIRECT, WEB, CORPORATE, AGENCY = range(4)
CHANNEL_SHARES = np.array([0.36, 0.42, 0.15, 0.07])
STAYS, CANCELLED, NO_SHOW = range(3)
FATE_SHARES = np.array([0.86, 0.11, 0.03])
STATUSES = ("booked", "checked_in", "checked_out", "no_show", "cancelled")
ROOM_TYPES = ("标准间", "豪华间", "行政间", "套房")
ROOM_SHARES = np.array([0.55, 0.28, 0.13, 0.04])
ROOM_FEN = np.array([46_800, 72_800, 108_000, 238_000])
NIGHT_SHARES = np.array(
    [0.02, 0.55, 0.24, 0.10, 0.04, 0.02, 0.01, 0.01, 0.005, 0.005]
)  # 0 is day use
LATE_OUT_SHARE, VERY_LATE_OUT_SHARE = 0.025, 0.007  # check out after midnight, after 04:00
AGENTS_PER_1000_PEOPLE = 2
REFUND_SHARE, PARTIAL_REFUND_SHARE = 0.015, 0.5
REDEEM_SHARE, LEAST_REDEMPTION_POINTS = 0.25, 1_000
UNNAMED_CORPORATE_SHARE = 0.15  # corporate bookings whose guest has no profile
MAIL_HOSTS = pl.Series(["@qq.com", "@163.com", "@126.com", "@outlook.com", "@foxmail.com"])

LAST_CLUB_DAY = day_number(CUT_OVER)


@dataclass(frozen=True)
class Bookings:
    """One item a booking, with all that will become of it. `guest` is an account, -1 for none."""

    serial: Ints  # within its booking day
    booked_day: Ints
    guest: Ints
    channel: Ints
    arrival_day: Ints
    departure_day: Ints
    fate: Ints
    cancelled_day: Ints
    room_type: Ints
    room: Ints
    checked_in_at: Ints
    checked_out_at: Ints
    closed_at: Ints

    def take(self, rows: Ints | Flags) -> "Bookings":
        """Some of the bookings."""
        return Bookings(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def join(self, other: "Bookings") -> "Bookings":
        """These bookings, then the others."""
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}
        return Bookings(**{name: np.concatenate(pair) for name, pair in pairs.items()})

    def numbers(self, prefix: str) -> pl.Series:
        """Document numbers: the booking's day and serial behind a letter."""
        return prefix + day_digits(self.booked_day) + digits("", self.serial, 5)


class Hotel(Business):
    """The hotel with its guests and the bookings that are still open."""

    source = "hotel"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "hotel")
        self.agent_count = max(2, group.people_count * AGENTS_PER_1000_PEOPLE // 1_000)
        self.accounts, self.agent = self._guests(rng)
        count = self.accounts.count
        self.has_document = ~flip(rng, count, RATES.missing_document)
        self.has_gender = ~flip(rng, count, 0.10)
        self.has_birth_date = self.has_document & flip(rng, count, 0.92)
        self.has_mail = flip(rng, count, 0.38) & people.is_adult[self.accounts.person]
        self.visits = eager(rng, count, 0.5)
        self.bookings: Bookings | None = None
        self.later_refunds: list[pl.DataFrame] = []

    def _guests(self, rng: np.random.Generator) -> tuple[Accounts, Ints]:
        """Guest profiles and the agent behind each (-1 for none)."""
        people = self.people
        share = np.where(people.is_adult, GUEST_SHARE, CHILD_GUEST_SHARE)
        person = np.flatnonzero(rng.random(people.count) < share)
        person = np.concatenate([person, person[flip(rng, len(person), RATES.second_profile)]])
        accounts = open_accounts(rng, people, person, spread(np.arange(len(person)), 8, 70_605))
        count = accounts.count
        accounts = without_phone(accounts, flip(rng, count, 0.06))
        agent_weights = 1 / (np.arange(self.agent_count) + 2.0)
        is_agency = flip(rng, count, RATES.agent_profile)
        agent = np.where(is_agency, pick(rng, agent_weights, count), -1)
        prefix = MOBILE_PREFIXES[np.arange(self.agent_count) % len(MOBILE_PREFIXES)]
        beyond = np.arange(self.agent_count) + 2 * people.count  # nobody else's numbers
        phones = prefix * 10**8 + spread(beyond, 8, self.group.offset)
        draw = rng.random(count)
        style = np.full(count, CHINESE)
        style[draw < RATES.pinyin_name] = PINYIN_FAMILY_FIRST
        style[draw < RATES.pinyin_name / 2] = PINYIN_GIVEN_FIRST
        style[draw > 1 - RATES.traditional_name] = TRADITIONAL
        return replace(
            accounts,
            phone=np.where(is_agency, phones[agent], accounts.phone),
            later_phone=np.where(is_agency, phones[agent], accounts.later_phone),
            phone_kind=np.where(is_agency, AGENT, accounts.phone_kind),
            name_style=style,
            is_sound=accounts.is_sound & ~is_agency,
        ), agent

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of accounts; NULL for position -1."""
        return blank(digits("G", self.accounts.number[accounts], 8), accounts < 0)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Guests, and reservations as they stand at the end of the day; once what the club owed."""
        tables = {
            "guests": self._guest_rows(day, is_first),
            "reservations": self._reservation_rows(day, is_first),
        }
        if is_first and day > LAST_CLUB_DAY:
            tables["legacy_balances"] = legacy_balances(self._club_accounts())
        return tables

    def _club_accounts(self) -> pl.Series:
        """Ids of the oldest accounts that the club had."""
        accounts = self.accounts
        oldest = np.lexsort((accounts.number, accounts.registered))
        members = oldest[accounts.registered[oldest] <= LAST_CLUB_DAY]
        return self.account_ids(members[:ACCOUNT_COUNT])

    def _guest_rows(self, day: int, is_first: bool) -> pl.DataFrame:
        accounts, people = self.accounts, self.people
        rows, is_later = accounts.due(day, is_first)
        person = accounts.person[rows]
        gender = choose(pl.Series(["male", "female"]), people.sex[person])
        mail = digits("", spread(person, 9, self.group.offset), 9) + choose(MAIL_HOSTS, person % 5)
        return pl.DataFrame(
            {
                "guest_id": self.account_ids(rows),
                "guest_name": accounts.names(rows),
                "gender": blank(gender, ~self.has_gender[rows]),
                "birth_date": blank(dates(people.birth_day[person]), ~self.has_birth_date[rows]),
                "mobile": accounts.mobiles(rows, is_later),
                "email": blank(mail, ~self.has_mail[rows]),
                "id_document": blank(choose(people.id_number, person), ~self.has_document[rows]),
                "created_date": dates(accounts.registered[rows]),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )

    def _reservation_rows(self, day: int, is_first: bool) -> pl.DataFrame:
        """Bookings made, changed or ended on the day (or so far), as they stand at its end."""
        assert self.bookings is not None, "activity comes first"
        known = self.bookings.take(self.bookings.booked_day <= day)
        events = (known.booked_day, known.arrival_day, known.departure_day, known.cancelled_day)
        if not is_first:
            known = known.take(np.logical_or.reduce([event == day for event in events]))
        self.bookings = self.bookings.take(self.bookings.departure_day > day)
        status = np.select(
            [
                (known.fate == CANCELLED) & (known.cancelled_day <= day),
                (known.fate == NO_SHOW) & (known.arrival_day <= day),
                (known.fate == STAYS) & (known.departure_day <= day),
                (known.fate == STAYS) & (known.arrival_day <= day),
            ],
            [4, 3, 2, 1],
            0,
        )
        of_guest = np.where(known.guest >= 0, self.agent[known.guest], -1)
        agent = np.where(of_guest < 0, known.serial % self.agent_count, of_guest)
        agent = np.where(known.channel == AGENCY, agent, -1)
        return pl.DataFrame(
            {
                "reservation_no": known.numbers("R"),
                "guest_id": self.account_ids(known.guest),
                "channel": choose(pl.Series(CHANNELS), known.channel),
                "agent_code": blank(digits("AG", np.maximum(agent, 0) + 1, 4), agent < 0),
                "arrival_date": dates(known.arrival_day),
                "departure_date": dates(known.departure_day),
                "room_type": choose(pl.Series(ROOM_TYPES), known.room_type),
                "status": choose(pl.Series(STATUSES), status),
            }
        )

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Stays that ended and their folios."""
        rng = chance(self.group, "hotel", span.first_day)
        if self.bookings is None:  # some of the first day's guests booked long before
            before = LONGEST_LEAD_DAYS + LONGEST_STAY_NIGHTS
            drawn = self._new_bookings(rng, Span(span.first_day - before, before + span.day_count))
            self.bookings = drawn.take(drawn.departure_day >= span.first_day)
        else:
            self.bookings = self.bookings.join(self._new_bookings(rng, span))
        is_over = (self.bookings.fate == STAYS) & span.holds(self.bookings.departure_day)
        ended = self.bookings.take(is_over)
        ended = ended.take(np.argsort(ended.closed_at, kind="stable"))
        folios = self._folios(rng, ended, wallet)
        self._plan_refunds(rng, folios, wallet)
        rows = pl.concat([folios.drop("person"), *self.later_refunds])
        is_due = pl.col("day") <= span.last_day
        self.later_refunds = [rows.filter(~is_due)]
        due = rows.filter(is_due).sort("day", maintain_order=True)
        return {"stays": self._stay_rows(ended), "folios": due.drop("day")}

    def _new_bookings(self, rng: np.random.Generator, span: Span) -> Bookings:
        """Bookings made in a span of days, in the order in which they were made."""
        booked = days_of_events(rng, span, BOOKINGS_PER_PERSON_DAY * self.group.volume)
        count = len(booked)
        lead = np.minimum(rng.geometric(0.14, count) - 1, LONGEST_LEAD_DAYS)
        nights = pick(rng, NIGHT_SHARES, count)
        guest = pick(rng, self.visits, count)
        channel = pick(rng, CHANNEL_SHARES, count)
        channel = np.where((self.agent[guest] >= 0) & flip(rng, count, 0.9), AGENCY, channel)
        has_profile = self.accounts.registered[guest] <= booked
        has_profile &= (channel != CORPORATE) | ~flip(rng, count, UNNAMED_CORPORATE_SHARE)
        arrival = booked + lead
        departure = arrival + nights
        checked_in, checked_out = self._checks(rng, arrival, departure)
        room_type = pick(rng, ROOM_SHARES, count)
        return Bookings(
            serial=rank_in_group(booked) + 1,
            booked_day=booked,
            guest=np.where(has_profile, guest, -1),
            channel=channel,
            arrival_day=arrival,
            departure_day=departure,
            fate=pick(rng, FATE_SHARES, count),
            cancelled_day=booked + rng.integers(0, lead + 1),
            room_type=room_type,
            room=(room_type + 5) * 100 + rng.integers(1, 40, count),
            checked_in_at=checked_in,
            checked_out_at=checked_out,
            closed_at=checked_out + rng.integers(60, 600, count),
        )

    def _checks(
        self, rng: np.random.Generator, arrival: Ints, departure: Ints
    ) -> tuple[Ints, Ints]:
        """Moments of checking in and out. A night audit may close the day after 04:00."""
        count = len(arrival)
        is_day_use = arrival == departure
        hour_in = np.where(is_day_use, 9, rng.triangular(13, 15.5, 25.5, count))
        hour_out = within(rng.normal(10.6, 1.7, count), 5.5, 15)
        draw = rng.random(count)
        after_midnight, after_cut_off = draw < LATE_OUT_SHARE, draw < VERY_LATE_OUT_SHARE
        hour_out = np.where(after_midnight, rng.uniform(24.1, 27.9, count), hour_out)
        hour_out = np.where(after_cut_off, rng.uniform(28.05, 29.3, count), hour_out)
        hour_out = np.where(is_day_use, 18.5, hour_out)
        checked_in = arrival * DAY_SECONDS + (hour_in * 3_600).astype(np.int64)
        return checked_in, departure * DAY_SECONDS + (hour_out * 3_600).astype(np.int64)

    def _folios(self, rng: np.random.Generator, ended: Bookings, wallet: Wallet) -> pl.DataFrame:
        """The bill of each ended stay; `person` (who gets points) and `day` stand beside it."""
        count = len(ended.guest)
        nights = np.maximum(ended.departure_day - ended.arrival_day, 1)
        rate_fen = ROOM_FEN[ended.room_type] * rng.integers(85, 131, count) // 10_000 * 100
        extra_yuan = np.where(flip(rng, count, 0.4), rng.lognormal(4.8, 0.8, count), 0)
        gross = rate_fen * nights + extra_yuan.astype(np.int64) * 100
        is_cheaper = np.isin(ended.channel, (CORPORATE, AGENCY)) | flip(rng, count, 0.15)
        discount = np.where(is_cheaper, gross * rng.integers(5, 16, count) // 10_000 * 100, 0)
        person = np.where(
            ended.channel == AGENCY, -1, self.accounts.known_person(ended.guest)
        )  # who books through an agent gets no points
        points = wallet.redeem(
            person,
            wants=flip(rng, count, REDEEM_SHARE),
            most=part_of(gross - discount, rng.integers(20, 151, count)),
            least=LEAST_REDEMPTION_POINTS,
        )
        paid = gross - discount - points
        wallet.earn(person, _points(paid, ended.departure_day))
        self.counts["redemptions"] += int((points > 0).sum())
        return pl.DataFrame(
            {
                "folio_no": ended.numbers("F"),
                "stay_no": ended.numbers("S"),
                "guest_id": self.account_ids(ended.guest),
                "closed_at": moments(ended.closed_at),
                "audit_date": dates(ended.departure_day),
                "channel": choose(pl.Series(CHANNELS), ended.channel),
                "gross_fen": gross,
                "discount_fen": discount,
                "paid_fen": paid,
                "points_used": points,
                "original_folio_no": blank(ended.numbers("F"), np.ones(count, dtype=np.bool_)),
                "person": person,
                "day": ended.departure_day,
            }
        )

    def _earn(self, account: Ints, channel: Ints, paid_fen: Ints, wallet: Wallet) -> None:
        counts = (account >= 0) & (channel != AGENCY) & self.accounts.is_sound[account]
        wallet.earn(self.accounts.person[account[counts]], paid_fen[counts] * 3 // 200)

    def _plan_refunds(self, rng: np.random.Generator, folios: pl.DataFrame, wallet: Wallet) -> None:
        """Some bills are given back within a week, whole with their points or a part in money."""
        back = folios.filter(flip(rng, folios.height, REFUND_SHARE))
        count = back.height
        self.counts["refunds"] += count
        day = back["day"].to_numpy() + rng.integers(1, 8, count)
        is_partial = flip(rng, count, PARTIAL_REFUND_SHARE)
        gross, discount = back["gross_fen"].to_numpy(), back["discount_fen"].to_numpy()
        paid, points = back["paid_fen"].to_numpy(), back["points_used"].to_numpy()
        part = paid * rng.integers(10, 41, count) // 10_000 * 100
        taken = _points(np.where(is_partial, part, paid), back["day"].to_numpy())
        wallet.earn(back["person"].to_numpy(), -taken)
        closed_at = day * DAY_SECONDS + rng.integers(10 * 3_600, 17 * 3_600, count)
        refund = back.with_columns(
            original_folio_no=back["folio_no"],
            folio_no=back["folio_no"] + "R",
            closed_at=moments(closed_at),
            audit_date=dates(day),
            gross_fen=pl.Series(-np.where(is_partial, part, gross)),
            discount_fen=pl.Series(-np.where(is_partial, 0, discount)),
            paid_fen=pl.Series(-np.where(is_partial, part, paid)),
            points_used=pl.Series(-np.where(is_partial, 0, points)),
            day=pl.Series(day),
        )
        self.later_refunds.append(refund.drop("person"))

    def _stay_rows(self, ended: Bookings) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "stay_no": ended.numbers("S"),
                "reservation_no": ended.numbers("R"),
                "guest_id": self.account_ids(ended.guest),
                "room_no": digits("", ended.room, 4),
                "check_in_at": moments(ended.checked_in_at),
                "check_out_at": moments(ended.checked_out_at),
                "night_count": ended.departure_day - ended.arrival_day,
                "audit_date": dates(ended.departure_day),
            }
        )


def _points(paid_fen: Ints, day: Ints) -> Ints:
    """What a bill earns in this programme; until the cut-over guests earned the club's points."""
    points: Ints = np.where(day > LAST_CLUB_DAY, paid_fen * 3 // 200, 0)
    return points


BUSINESS = Hotel
