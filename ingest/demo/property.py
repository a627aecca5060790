"""Property management: flats and offices, owners, tenants and family, monthly bills, payments."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from ingest.demo.accounts import Accounts, open_accounts, with_end
from ingest.demo.business import Business
from ingest.demo.faults import RATES
from ingest.demo.people import People, written_plates
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
    digits,
    flip,
    moments,
    pick,
    spread,
)

HOUSEHOLD_SHARE = 0.34  # of households live in the group's communities
RENTED_SHARE, FAMILY_REGISTERED_SHARE = 0.28, 0.50
OFFICE_SHARE = 0.01  # of units; a company pays for them, no resident does
LEAVING_SHARE = 0.10  # of tenancies end within the eighty days around the first night
COMMUNITY_NAMES = "云栖苑 海悦花园 青禾家园 星河湾 山语城 月湖雅居 春和里 和光公馆"
COMMUNITIES = pl.Series(COMMUNITY_NAMES.split())
OWNER, TENANT, FAMILY = range(3)
ROLES = pl.Series(["owner", "tenant", "family"])
MANAGEMENT, PARKING_SPACE, UTILITIES = range(3)
FEE_TYPES = pl.Series(["management", "parking_space", "utilities"])
MANAGEMENT_FEN, OFFICE_FEN = 280, 2_600  # a square metre and month
SPACE_FEN = 30_000
CHANNELS = pl.Series(["online", "direct_debit", "counter"])
ONLINE, DIRECT_DEBIT = 0, 1
DEBIT_DELAY_DAYS = 9  # after the first of the month
CHANNEL_SHARES = np.array([0.58, 0.30, 0.12])
UNPAID_SHARE, REFUND_SHARE = 0.03, 0.004
LONGEST_DELAY_DAYS = 75
REDEEM_SHARE, LEAST_REDEMPTION_POINTS, MOST_BY_POINTS_PERCENT = 0.12, 1_000, 50


@dataclass(frozen=True)
class Units:
    """One item a unit; `household` is -1 for an office, a space is one for a car."""

    household: Ints
    community: Ints
    area_square_metres: Ints
    has_space: Flags
    is_rented: Flags

    @property
    def count(self) -> int:
        """Number of units."""
        return len(self.household)

    def numbers(self, rows: Ints) -> pl.Series:
        """Unit numbers: community, building, floor and door."""
        building = digits("", rows // 160 % 900 + 1, 3)
        floor, door = rows // 8 % 20 + 1, rows % 8 + 1
        letter = choose(pl.Series(list("ABCDEFGH")), self.community[rows])
        return letter + building + "-" + digits("", floor, 2) + digits("", door, 2)


class PropertyManagement(Business):
    """The communities with their residents; bills and payments are a function of the month."""

    source = "property"

    def __init__(self, group: Group, people: People) -> None:
        super().__init__(group, people)
        rng = chance(group, "property")
        self.units = _make_units(rng, people)
        self.accounts, self.unit, self.role = self._residents(rng)
        count = self.accounts.count
        share = np.array([0.92, 0.80, 0.35])[self.role]
        self.has_document = (rng.random(count) < share) & (people.age[self.accounts.person] >= 6)
        self.has_plate = (people.car[self.accounts.person] >= 0) & flip(rng, count, 0.55)
        self.has_address = flip(rng, count, 0.7)
        self.months: dict[int, pl.DataFrame] = {}

    def _residents(self, rng: np.random.Generator) -> tuple[Accounts, Ints, Ints]:
        """Residents with unit and role: who lives there, landlords, tenants that moved out."""
        people, units = self.people, self.units
        living, unit = self._inhabitants(rng)
        is_head = np.r_[True, people.household[living][1:] != people.household[living][:-1]]
        is_partner = np.r_[False, is_head[:-1]] & ~is_head & people.is_adult[living]
        keeps = is_head | (is_partner & flip(rng, len(living), 0.75))
        keeps |= flip(rng, len(living), FAMILY_REGISTERED_SHARE)
        head_role = np.where(units.is_rented[unit], TENANT, OWNER)
        role = np.where(is_head | (is_partner & flip(rng, len(living), 0.4)), head_role, FAMILY)
        living, unit, role = living[keeps], unit[keeps], role[keeps]
        rented = np.flatnonzero(units.is_rented)
        heads = np.flatnonzero(np.r_[True, people.household[1:] != people.household[:-1]])
        landlord = heads[rng.integers(0, len(heads), len(rented))]
        before = rented[flip(rng, len(rented), RATES.former_tenant)]
        former = heads[rng.integers(0, len(heads), len(before))]
        person = np.concatenate([living, landlord, former])
        all_units = np.concatenate([unit, rented, before])
        roles = np.concatenate([role, np.full(len(rented), OWNER), np.full(len(before), TENANT)])
        kind = np.repeat([0, 1, 2], [len(living), len(landlord), len(former)])
        return self._moved(rng, person, all_units, roles, kind), all_units, roles

    def _inhabitants(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Everybody living in a unit, in the order of people, and the unit."""
        unit_of_household = np.full(int(self.people.household[-1]) + 1, -1)
        flats = np.flatnonzero(self.units.household >= 0)
        unit_of_household[self.units.household[flats]] = flats
        unit = unit_of_household[self.people.household]
        living = np.flatnonzero(unit >= 0)
        return living, unit[living]

    def _moved(
        self, rng: np.random.Generator, person: Ints, unit: Ints, role: Ints, kind: Ints
    ) -> Accounts:
        """Accounts with dates of moving; today's tenants (kind 0) came after former (2) left."""
        first_day, count = self.people.first_day, len(person)
        unit_count = self.units.count
        built = first_day - rng.integers(900, 5_000, unit_count)
        let_since = first_day - rng.integers(-40, 700, unit_count)
        leaves = first_day + rng.integers(-20, 60, unit_count)
        is_tenancy = self.units.is_rented[unit] & (kind == 0)
        moved_in = np.where(is_tenancy, let_since[unit], built[unit])
        moved_in = np.where(kind == 2, let_since[unit] - 300, moved_in)
        is_family = (kind == 0) & (role == FAMILY) & ~is_tenancy
        moved_in = np.where(is_family, moved_in + rng.integers(0, 800, count), moved_in)
        leaving = is_tenancy & flip(rng, unit_count, LEAVING_SHARE)[unit]
        leaving &= leaves[unit] > moved_in + 30
        moved_out = np.where(kind == 2, let_since[unit] - rng.integers(3, 40, count), NEVER)
        moved_out = np.where(leaving, leaves[unit], moved_out)
        number = spread(np.arange(count), 7, 4_711)
        return with_end(open_accounts(rng, self.people, person, number, moved_in), moved_out)

    def hazards(self, is_there: Flags, last_day: int) -> Mapping[str, int]:
        """Residents that left."""
        has_left = is_there & (self.accounts.end_day <= last_day)
        return {"moved_out_residents": int(has_left.sum())}

    def account_ids(self, accounts: Ints) -> pl.Series:
        """Ids of accounts; NULL for position -1."""
        return blank(digits("KH", self.accounts.number[accounts], 7), accounts < 0)

    def masters(self, day: int, is_first: bool) -> Frames:
        """Units and residents."""
        units = np.arange(self.units.count if is_first else 0)
        return {
            "units": pl.DataFrame(
                {
                    "unit_no": self.units.numbers(units),
                    "community": choose(COMMUNITIES, self.units.community[units]),
                    "area_square_metres": self.units.area_square_metres[units],
                }
            ),
            "residents": self._resident_rows(day, is_first),
        }

    def _resident_rows(self, day: int, is_first: bool) -> pl.DataFrame:
        accounts, people = self.accounts, self.people
        rows, is_later = accounts.due(day, is_first)
        person = accounts.person[rows]
        unit_no = self.units.numbers(self.unit[rows])
        community = choose(COMMUNITIES, self.units.community[self.unit[rows]])
        address = "上海市" + community + unit_no + "室"
        return pl.DataFrame(
            {
                "resident_no": self.account_ids(rows),
                "unit_no": unit_no,
                "role": choose(ROLES, self.role[rows]),
                "resident_name": accounts.names(rows),
                "mobile": accounts.mobiles(rows, is_later),
                "id_document": blank(choose(people.id_number, person), ~self.has_document[rows]),
                "plate_no": written_plates(
                    np.where(self.has_plate[rows], people.car[person], -1), accounts.number[rows]
                ),
                "address": blank(address, ~self.has_address[rows]),
                "moved_in_date": dates(accounts.registered[rows]),
                "moved_out_date": dates(accounts.ended(rows, is_later)),
                "is_marketing_consented": accounts.consents(rows, is_later),
            }
        )

    def activity(self, span: Span, wallet: Wallet) -> Frames:
        """Bills and payments of a span; the first span also brings bills that are still open."""
        first_month = _month_of(span.first_day - LONGEST_DELAY_DAYS - 10)
        months = range(first_month, _month_of(span.last_day) + 1)
        self.months = {
            month: self.months[month] if month in self.months else self._bills_of(month)
            for month in months
        }
        bills = pl.concat([self.months[month] for month in months])
        is_first = span.first_day == self.group.first_day - self.group.history_days
        since = 0 if is_first else span.first_day
        issued = bills.filter(pl.col("issued_day").is_between(since, span.last_day))
        if is_first:
            issued = issued.filter(pl.col("paid_day") >= span.first_day)
        return {
            "fee_bills": issued.select(
                "bill_no", "unit_no", "fee_type", "bill_month", "amount_fen", "due_date"
            ),
            "fee_payments": self._payments(bills, span, wallet),
        }

    def _bills_of(self, month: int) -> pl.DataFrame:
        """All bills of a month and how each will be paid; the same whenever it is asked."""
        rng = chance(self.group, "bills", month)
        units = self.units
        every = np.arange(units.count)
        with_space = every[units.has_space]
        flats = every[units.household >= 0]
        unit = np.concatenate([every, with_space, flats])
        fee_type = np.repeat(
            [MANAGEMENT, PARKING_SPACE, UTILITIES], [len(every), len(with_space), len(flats)]
        )
        price = np.where(units.household < 0, OFFICE_FEN, MANAGEMENT_FEN)
        usage = (rng.lognormal(5.1, 0.45, len(unit)) * 100).astype(np.int64)
        amount = np.select(
            [fee_type == MANAGEMENT, fee_type == PARKING_SPACE],
            [units.area_square_metres[unit] * price[unit], np.full(len(unit), SPACE_FEN)],
            usage,
        )
        first_day = int(np.datetime64(month, "M").astype("datetime64[D]").astype(np.int64))
        channel = pick(rng, CHANNEL_SHARES, len(unit))
        count = len(unit)
        delay = rng.exponential(11, count).astype(np.int64).clip(max=LONGEST_DELAY_DAYS)
        delay = np.where(channel == DIRECT_DEBIT, DEBIT_DELAY_DAYS, delay)
        paid_day = np.where(flip(rng, count, UNPAID_SHARE), NEVER, first_day + delay)
        is_double = flip(rng, count, REFUND_SHARE) & (channel != ONLINE)
        refunded_day = np.where(is_double, paid_day + rng.integers(1, 10, count), NEVER)
        month_text = str(np.datetime64(month, "M")).replace("-", "")
        return pl.DataFrame(
            {
                "bill_no": digits(f"ZD{month_text}", np.arange(count), 7),
                "unit_no": units.numbers(unit),
                "fee_type": choose(FEE_TYPES, fee_type),
                "bill_month": dates(np.full(count, first_day)),
                "amount_fen": amount,
                "due_date": dates(np.full(count, first_day + 24)),
                "issued_day": np.full(count, first_day),
                "paid_day": paid_day,
                "paid_second": rng.integers(7 * 3_600, 22 * 3_600, count),
                "refunded_day": refunded_day,
                "channel": channel,
                "unit": unit,
                "kind": fee_type,
            }
        )

    def _payments(self, bills: pl.DataFrame, span: Span, wallet: Wallet) -> pl.DataFrame:
        rng = chance(self.group, "fees", span.first_day)
        paid = bills.filter(pl.col("paid_day").is_between(span.first_day, span.last_day))
        paid = paid.sort("paid_day", "paid_second", maintain_order=True)
        day = paid["paid_day"].to_numpy()
        payer = self._payers(paid["unit"].to_numpy(), day)
        gross = paid["amount_fen"].to_numpy()
        may = (paid["channel"].to_numpy() == ONLINE) & (paid["kind"].to_numpy() == MANAGEMENT)
        person = self.accounts.known_person(payer)
        points = wallet.redeem(
            person,
            wants=may & flip(rng, len(day), REDEEM_SHARE),
            most=part_of(gross, MOST_BY_POINTS_PERCENT),
            least=LEAST_REDEMPTION_POINTS,
        )
        wallet.earn(person, (gross - points) // 200)
        self.counts["redemptions"] += int((points > 0).sum())
        numbers = "JF" + paid["bill_no"].str.slice(2)
        payments = pl.DataFrame(
            {
                "payment_no": numbers,
                "bill_no": paid["bill_no"],
                "resident_no": self.account_ids(payer),
                "paid_at": moments(day * DAY_SECONDS + paid["paid_second"].to_numpy()),
                "channel": choose(CHANNELS, paid["channel"].to_numpy()),
                "gross_fen": gross,
                "paid_fen": gross - points,
                "points_used": points,
                "original_payment_no": blank(numbers, np.ones(len(day), dtype=np.bool_)),
            }
        )
        return pl.concat([payments, self._refunds(bills, span)])

    def _refunds(self, bills: pl.DataFrame, span: Span) -> pl.DataFrame:
        """Double payments given back: of direct debits or at the counter, so never points."""
        due = bills.filter(pl.col("refunded_day").is_between(span.first_day, span.last_day))
        day = due["paid_day"].to_numpy()
        payer = self._payers(due["unit"].to_numpy(), day)
        self.counts["refunds"] += due.height
        original = "JF" + due["bill_no"].str.slice(2)
        back_at = due["refunded_day"].to_numpy() * DAY_SECONDS + 15 * 3_600
        return pl.DataFrame(
            {
                "payment_no": original + "T",
                "bill_no": due["bill_no"],
                "resident_no": self.account_ids(payer),
                "paid_at": moments(back_at),
                "channel": choose(CHANNELS, due["channel"].to_numpy()),
                "gross_fen": -due["amount_fen"],
                "paid_fen": -due["amount_fen"],
                "points_used": np.zeros(due.height, dtype=np.int64),
                "original_payment_no": original,
            }
        )

    def _payers(self, unit: Ints, day: Ints) -> Ints:
        """Account that pays for each unit on a day: its tenant while there is one, else its owner;
        -1 offices.
        """
        first = np.full((2, self.units.count), -1)
        ended = self.accounts.end_day
        order = np.arange(self.accounts.count)[::-1]
        for role in (OWNER, TENANT):
            rows = order[(self.role[order] == role) & (ended[order] > self.people.first_day - 30)]
            first[role, self.unit[rows]] = rows
        owner, tenant = first[OWNER, unit], first[TENANT, unit]
        lives = (tenant >= 0) & (self.accounts.registered[tenant] <= day) & (ended[tenant] > day)
        payer: Ints = np.where(lives, tenant, owner)
        return payer


def _make_units(rng: np.random.Generator, people: People) -> Units:
    """A flat for a third of all households, and a few offices."""
    household_count = int(people.household[-1]) + 1
    household = np.flatnonzero(flip(rng, household_count, HOUSEHOLD_SHARE))
    offices = max(2, round(len(household) * OFFICE_SHARE))
    household = np.concatenate([household, np.full(offices, -1)])
    count = len(household)
    is_flat = household >= 0
    has_car = np.bincount(people.household[people.car >= 0], minlength=household_count) > 0
    flat_area = np.clip(rng.normal(98, 28, count), 35, 260).astype(np.int64)
    office_area = np.clip(rng.lognormal(6.6, 1.1, count), 80, 42_000).astype(np.int64)
    return Units(
        household=household,
        community=np.arange(count) // 160 % len(COMMUNITIES),
        area_square_metres=np.where(is_flat, flat_area, office_area),
        has_space=is_flat & has_car[household] & flip(rng, count, 0.6),
        is_rented=is_flat & flip(rng, count, RENTED_SHARE),
    )


def _month_of(day: int) -> int:
    """Months since January 1970 of a day number."""
    return int(np.datetime64(day, "D").astype("datetime64[M]").astype(np.int64))


BUSINESS = PropertyManagement
