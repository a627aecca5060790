"""The population: who there really is, in which household, with which phone, papers and cars."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa

from ingest.demo import names
from ingest.demo.faults import RATES
from ingest.demo.world import (
    NEVER,
    Flags,
    Group,
    Ints,
    blank,
    chance,
    choose,
    digits,
    flip,
    pick,
    spread,
)

HOUSEHOLD_SIZE_SHARES = np.array([0.20, 0.30, 0.28, 0.14, 0.06, 0.02])  # 1 to 6 people, mean 2.62
YEAR_DAYS = 365.25
ADULT_AGE, ELDER_AGE = 18, 68
MALE, FEMALE = 0, 1
CAR_SHARES = np.array([0.47, 0.44, 0.09])  # households with 0, 1, 2 cars

# Ranges that the carriers have opened; the last eight digits are made up.
MOBILE_PREFIXES = np.array(
    [
        *range(130, 140),
        *(147, *range(150, 154), *range(155, 160), 166, 173, *range(175, 179)),
        *(*range(180, 184), *range(185, 190), 191, 193, 195, 196, 198, 199),
    ]
)
# Districts in which identity documents were first issued, Shanghai first.
AREA_CODES = np.array(
    [
        *(310101, 310104, 310106, 310107, 310109, 310110, 310112, 310113, 310115, 310230),
        *(320102, 320106, 320203, 320502, 320602, 330102, 330106, 330203, 330302, 330402),
        *(340102, 340104, 350102, 350203, 360102, 370102, 370203, 410102, 420106, 430102),
        *(440103, 440106, 440305, 450103, 500103, 510104, 520103, 610103, 110101, 110108),
    ]
)
CHECK_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECK_DIGITS = np.frombuffer(b"10X98765432", dtype=np.uint8)

PLATE_REGIONS = pl.Series(list("沪沪沪沪沪沪苏苏浙浙皖鄂豫粤京鲁"))
PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # neither I nor O
ELECTRIC_LETTERS = "DFABCEGHJK"


@dataclass(frozen=True)
class People:
    """One item a person. Days are day numbers, -1 means nobody or none.

    sex: MALE or FEMALE.
    number: mobile number before `switch_day`; `next_number` from then on.
    has_recycled_number: the given-up number belongs to another customer now.
    has_taken_number: is that customer.
    lender: the household member whose phone this person would give.
    car: number of the household's car that this person drives.
    """

    household: Ints
    sex: Ints
    birth_day: Ints
    surname: Ints
    first_character: Ints
    second_character: Ints
    number: Ints
    next_number: Ints
    switch_day: Ints
    has_recycled_number: Flags
    has_taken_number: Flags
    lender: Ints
    car: Ints
    id_number: pl.Series
    first_day: int

    @property
    def count(self) -> int:
        """Number of people."""
        return len(self.household)

    @property
    def age(self) -> Ints:
        """Full years on the first night."""
        return np.floor((self.first_day - self.birth_day) / YEAR_DAYS).astype(np.int64)

    @property
    def is_adult(self) -> Flags:
        """Who is of age on the first night."""
        return self.age >= ADULT_AGE

    def number_on(self, person: Ints, day: Ints) -> Ints:
        """Mobile number of each person on a day."""
        is_later = day >= self.switch_day[person]
        return np.where(is_later, self.next_number[person], self.number[person])


def make_people(group: Group) -> People:
    """The whole population; it depends on the seed, the size and the first night only."""
    rng = chance(group, "people")
    household, place, size = _households(rng, group.people_count)
    sex = _sexes(rng, place)
    head = np.arange(len(place)) - place
    age_days = _ages(rng, place, size, head)
    birth_day = group.first_day - age_days
    surname = _surnames(rng, place, size, head, sex)
    first, second = _given_names(rng, sex, birth_day)
    number, next_number, switch_day, recycled, taken = _numbers(group, rng, age_days)
    return People(
        household=household,
        sex=sex,
        birth_day=birth_day,
        surname=surname,
        first_character=first,
        second_character=second,
        number=number,
        next_number=next_number,
        switch_day=switch_day,
        has_recycled_number=recycled,
        has_taken_number=taken,
        lender=_lenders(place, size),
        car=_cars(rng, household, age_days),
        id_number=_id_numbers(rng, household, sex, birth_day),
        first_day=group.first_day,
    )


def _households(rng: np.random.Generator, count: int) -> tuple[Ints, Ints, Ints]:
    """Household, place in it (0 is its head, 1 the partner) and its size, by person."""
    sizes = pick(rng, HOUSEHOLD_SIZE_SHARES, count) + 1
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), count)) + 1]
    sizes[-1] -= int(sizes.sum()) - count
    household = np.repeat(np.arange(len(sizes)), sizes)
    starts = np.cumsum(sizes) - sizes
    return household, np.arange(count) - starts[household], sizes[household]


def _sexes(rng: np.random.Generator, place: Ints) -> Ints:
    sex = flip(rng, len(place), 0.5).astype(np.int64)
    partner = np.flatnonzero(place == 1)
    sex[partner] = 1 - sex[partner - 1]
    return sex


def _ages(rng: np.random.Generator, place: Ints, size: Ints, head: Ints) -> Ints:
    """Ages in days: partners of like age, children and grandparents a generation apart."""
    count = len(place)
    own = np.clip(rng.normal(43, 12.5, count), 21, 84)[head]
    age = np.where(place == 0, own, np.clip(own + rng.normal(0, 3, count), 20, 90))
    child = np.clip(own - 27 - 3 * (place - 2) + rng.normal(0, 3.5, count), 0.4, 60)
    elder = np.clip(own + 27 + rng.normal(0, 4, count), 50, 95)
    is_elder = (place >= 3) & (size >= 4) & flip(rng, count, 0.6)
    age = np.where(place >= 2, np.where(is_elder, elder, child), age)
    return np.floor(age * YEAR_DAYS).astype(np.int64)


def _surnames(rng: np.random.Generator, place: Ints, size: Ints, head: Ints, sex: Ints) -> Ints:
    """Children carry their father's surname, everybody else a surname of their own."""
    own = pick(rng, names.surnames().weights, len(place))
    father = head + ((sex[head] == FEMALE) & (size >= 2))
    return np.where(place == 2, own[father], np.where(place > 2, own[head], own))


def _given_names(rng: np.random.Generator, sex: Ints, birth_day: Ints) -> tuple[Ints, Ints]:
    """Entry numbers of the first and second character of each given name."""
    parts = names.characters()
    year = birth_day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    period = np.searchsorted(names.FIRST_YEAR_OF_PERIOD, year, side="right") - 1
    first = np.zeros(len(sex), dtype=np.int64)
    second = np.zeros(len(sex), dtype=np.int64)
    for sex_number, sex_name in enumerate(names.SEXES):
        for period_number, period_name in enumerate(names.PERIODS):
            who = np.flatnonzero((sex == sex_number) & (period == period_number))
            characters = names.GIVEN_CHARACTERS[(sex_name, period_name)]
            numbers = names.character_numbers(characters, parts)
            weights = 1 / (np.arange(len(numbers)) + 8.0)
            first[who] = numbers[pick(rng, weights, len(who))]
            second[who] = numbers[pick(rng, weights, len(who))]
    is_single = rng.random(len(sex)) < np.array(names.ONE_CHARACTER_SHARE)[period]
    second[is_single] = 0
    rare = names.character_numbers(names.RARE_CHARACTERS, parts)
    is_rare = flip(rng, len(sex), RATES.rare_character)
    first[is_rare] = rare[rng.integers(0, len(rare), int(is_rare.sum()))]
    return first, second


def _numbers(
    group: Group, rng: np.random.Generator, age_days: Ints
) -> tuple[Ints, Ints, Ints, Flags, Flags]:
    """Mobile numbers: (number, next_number, switch_day, has_recycled_number, has_taken_number).

    Some people changed their number within the last year; a part of the old numbers was given to
    others, who join the mall with it a few months later.
    """
    count = len(age_days)
    prefix = MOBILE_PREFIXES[rng.integers(0, len(MOBILE_PREFIXES), 2 * count)]
    numbers = prefix * 10**8 + spread(np.arange(2 * count), 8, group.offset)
    number, next_number = numbers[:count], numbers[count:].copy()
    switch_day = np.full(count, NEVER)
    adult = rng.permutation(np.flatnonzero(age_days >= ADULT_AGE * YEAR_DAYS))
    changer = adult[: round(len(adult) * RATES.changed_number)]
    switch_day[changer] = group.first_day + rng.integers(-330, 30, len(changer))
    recycled = changer[: round(len(changer) * RATES.recycled_number)]
    taker = adult[len(changer) : len(changer) + len(recycled)]
    next_number[taker] = number[recycled]
    switch_day[taker] = switch_day[recycled] + rng.integers(90, 150, len(recycled))
    has_recycled, has_taken = np.zeros((2, count), dtype=np.bool_)
    has_recycled[recycled] = True
    has_taken[taker] = True
    return number, next_number, switch_day, has_recycled, has_taken


def _lenders(place: Ints, size: Ints) -> Ints:
    """The partner for a head, the head for everybody else; nobody for who lives alone."""
    person = np.arange(len(place))
    return np.where(place > 0, person - place, np.where(size >= 2, person + 1, -1))


def _cars(rng: np.random.Generator, household: Ints, age_days: Ints) -> Ints:
    """Number of the car that each adult drives: the household's first, or the partner's second."""
    household_count = int(household[-1]) + 1
    car_count = pick(rng, CAR_SHARES, household_count)
    first_car = np.cumsum(car_count) - car_count
    is_partner = np.r_[False, household[1:] == household[:-1]]
    own = first_car[household] + (is_partner & (car_count[household] == 2))
    drives = (car_count[household] > 0) & (age_days >= ADULT_AGE * YEAR_DAYS)
    return np.where(drives & (age_days < 75 * YEAR_DAYS), own, -1)


def _id_numbers(rng: np.random.Generator, household: Ints, sex: Ints, birth_day: Ints) -> pl.Series:
    """Identity numbers: district, birth date, running number (odd for men), check digit."""
    count = len(household)
    home = rng.integers(0, len(AREA_CODES), int(household[-1]) + 1)[household]
    elsewhere = rng.integers(0, len(AREA_CODES), count)
    area = AREA_CODES[np.where(flip(rng, count, 0.7), home, elsewhere)]
    day = birth_day.astype("datetime64[D]")
    year = day.astype("datetime64[Y]").astype(np.int64) + 1970
    month = day.astype("datetime64[M]").astype(np.int64) % 12 + 1
    of_month = (day - day.astype("datetime64[M]")).astype(np.int64) + 1
    head = area * 10**8 + year * 10**4 + month * 100 + of_month
    order = np.lexsort((sex, head))
    key = (head * 2 + sex)[order]
    starts = np.r_[True, key[1:] != key[:-1]]
    rank = np.arange(count) - np.flatnonzero(starts)[np.cumsum(starts) - 1]
    running = np.empty(count, dtype=np.int64)
    running[order] = (rank + key % 487) % 500
    body = head * 1_000 + running * 2 + (sex == MALE)
    places = 10 ** np.arange(16, -1, -1)
    matrix = (body[:, None] // places) % 10
    check = CHECK_DIGITS[matrix @ CHECK_WEIGHTS % 11]
    return fixed_text(np.c_[(matrix + ord("0")).astype(np.uint8), check])


def fixed_text(characters: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> pl.Series:
    """Texts of equal length from a matrix of ASCII codes, one row a text."""
    count, width = characters.shape
    offsets = np.arange(count + 1, dtype=np.int64) * width
    data = np.ascontiguousarray(characters)
    array = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    return pl.Series(array)


def plate_texts(cars: Ints) -> pl.Series:
    """Number plates, six signs on electric cars; distinct for car numbers below 10 million."""
    letters, signs = pl.Series(list(PLATE_LETTERS)), pl.Series(list(PLATE_LETTERS + "0123456789"))
    code = spread(cars, 7)
    city = choose(PLATE_REGIONS, cars % len(PLATE_REGIONS)) + choose(letters, code // 10**6)
    rest = code % 10**6
    electric = choose(pl.Series(list(ELECTRIC_LETTERS)), rest // 10**5)
    electric = electric + digits("", rest % 10**5, 5)
    usual = choose(signs, rest // 30_000) + choose(signs, rest % 30_000 // 1_000)
    usual = usual + digits("", rest % 1_000, 3)
    return city + electric.zip_with(pl.Series(cars % 10 < 3), usual)


def written_plates(cars: Ints, habit: Ints) -> pl.Series:
    """Plates as desks typed them: some with the plate's dot, some in lower case; -1 is NULL."""
    plain = plate_texts(np.maximum(cars, 0))
    dotted = plain.str.slice(0, 2) + "·" + plain.str.slice(2)
    every = round(1 / RATES.plate_spelled_otherwise)
    result = dotted.zip_with(pl.Series(habit % every == 0), plain)
    result = plain.str.to_lowercase().zip_with(pl.Series(habit % (7 * every) == 1), result)
    return blank(result, cars < 0)
