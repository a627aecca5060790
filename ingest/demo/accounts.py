"""Accounts: what a person is in one business's system, with the contact data that it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ingest.demo import names
from ingest.demo.faults import PLACEHOLDER_NUMBERS, RATES
from ingest.demo.people import ELDER_AGE, People
from ingest.demo.world import NEVER, Flags, Ints, blank, choose, flip

OWN, FAMILY, PLACEHOLDER, MISTYPED, MISSING, AGENT = range(6)  # whose phone an account shows
CHINESE, PINYIN_FAMILY_FIRST, PINYIN_GIVEN_FIRST, TRADITIONAL = range(4)  # how a name is written
PLAIN, COUNTRY_CODE, SPACED, FULL_WIDTH = range(4)  # how a number is written
NOTHING, CONSENT, PHONE, UNVERIFIED, ENDED = range(5)  # what changed in the row later

FULL_WIDTH_DIGITS = {str(digit): chr(ord("０") + digit) for digit in range(10)}


@dataclass(frozen=True)
class Accounts:
    """One item an account. Days are day numbers; a row has its later look from `changed` on.

    number: of the account, in its own id. phone: mobile number, -1 for none; `later_phone` after a
    PHONE change.
    is_sound: own name and own number are both right, so that any platform can tell who it is.
    """

    people: People
    person: Ints
    number: Ints
    registered: Ints
    changed: Ints
    change: Ints
    phone: Ints
    later_phone: Ints
    phone_kind: Ints
    phone_style: Ints
    is_verified: Flags
    surname: Ints
    first_character: Ints
    second_character: Ints
    name_style: Ints
    is_name_mistyped: Flags
    has_consented: Flags
    is_sound: Flags

    @property
    def count(self) -> int:
        """Number of accounts."""
        return len(self.person)

    @property
    def end_day(self) -> Ints:
        """Day on which each account ends (moved out, car sold); NEVER for most."""
        return np.where(self.change == ENDED, self.changed, NEVER)

    def due(self, day: int, is_first: bool) -> tuple[Ints, Flags]:
        """Accounts whose row the delivery of a day holds, and whether it has its later look."""
        if is_first:
            rows = np.flatnonzero(self.registered <= day)
        else:
            is_changed = (self.changed == day) & (self.registered < day)
            rows = np.flatnonzero((self.registered == day) | is_changed)
        return rows, self.changed[rows] <= day

    def owner(self, accounts: Ints) -> Ints:
        """Person behind each account; -1 for no account."""
        return np.where(accounts >= 0, self.person[accounts], -1)

    def known_person(self, accounts: Ints) -> Ints:
        """Person behind each account if it is sound; -1 for an unsound one or for no account."""
        return np.where((accounts >= 0) & self.is_sound[accounts], self.person[accounts], -1)

    def names(self, rows: Ints) -> pl.Series:
        """Names as each desk typed them."""
        return written_names(
            self.surname[rows],
            self.first_character[rows],
            self.second_character[rows],
            self.name_style[rows],
        )

    def mobiles(self, rows: Ints, is_later: Flags) -> pl.Series:
        """Mobile numbers as each desk typed them; NULL where there is none."""
        has_new = is_later & (self.change[rows] == PHONE)
        phone = np.where(has_new, self.later_phone[rows], self.phone[rows])
        return written_mobiles(phone, self.phone_style[rows])

    def consents(self, rows: Ints, is_later: Flags) -> pl.Series:
        """Whether the account agrees to marketing."""
        return pl.Series(self.has_consented[rows] ^ (is_later & (self.change[rows] == CONSENT)))

    def verified(self, rows: Ints, is_later: Flags) -> pl.Series:
        """Whether the business has checked the number by a message."""
        return pl.Series(self.is_verified[rows] & ~(is_later & (self.change[rows] == UNVERIFIED)))

    def ended(self, rows: Ints, is_later: Flags) -> Ints:
        """The same as a row of that look tells it: NEVER while the account lasts."""
        return np.where(is_later, self.end_day[rows], NEVER)

    def facts(self, is_there: Flags) -> Mapping[str, int]:
        """Counts of the identity hazards among the accounts marked."""
        gave_up = self.people.has_recycled_number[self.person]
        return {
            "accounts": int(is_there.sum()),
            "family_phones": int((is_there & (self.phone_kind == FAMILY)).sum()),
            "placeholder_phones": int((is_there & (self.phone_kind == PLACEHOLDER)).sum()),
            "mistyped_phones": int((is_there & (self.phone_kind == MISTYPED)).sum()),
            "missing_phones": int((is_there & (self.phone_kind == MISSING)).sum()),
            "agent_phones": int((is_there & (self.phone_kind == AGENT)).sum()),
            "oddly_written_phones": int((is_there & (self.phone_style != PLAIN)).sum()),
            "mistyped_names": int((is_there & self.is_name_mistyped).sum()),
            "pinyin_names": int((is_there & np.isin(self.name_style, (1, 2))).sum()),
            "traditional_names": int((is_there & (self.name_style == TRADITIONAL)).sum()),
            "stale_recycled_phones": int(
                (is_there & gave_up & (self.phone_kind == OWN) & (self.change != PHONE)).sum()
            ),
        }


def open_accounts(
    rng: np.random.Generator, people: People, person: Ints, number: Ints, joined: Ints | None = None
) -> Accounts:
    """Accounts for these people, with everything that goes wrong when phones and names are typed.

    joined: days of registration, drawn here if None. The business adds what is its own (`replace`).
    """
    count = len(person)
    registered = _registration_days(rng, people, person) if joined is None else joined
    phone_kind = _phone_kinds(rng, people, person)
    phone = _phones(rng, people, person, registered, phone_kind)
    changed, change, later_phone = _changes(rng, people, person, registered, phone_kind, phone)
    is_mistyped = flip(rng, count, RATES.mistyped_name)
    first, second = people.first_character[person], people.second_character[person]
    alike = names.sounds_alike(names.characters())
    first = np.where(is_mistyped & (second == 0), alike[first], first)
    second = np.where(is_mistyped & (second > 0), alike[second], second)
    never_moved = people.switch_day[person] == NEVER
    return Accounts(
        people=people,
        person=person,
        number=number,
        registered=registered,
        changed=changed,
        change=change,
        phone=phone,
        later_phone=later_phone,
        phone_kind=phone_kind,
        phone_style=_phone_styles(rng, phone_kind),
        is_verified=(phone_kind == OWN) & flip(rng, count, 0.88),
        surname=people.surname[person],
        first_character=first,
        second_character=second,
        name_style=np.full(count, CHINESE),
        is_name_mistyped=is_mistyped,
        has_consented=flip(rng, count, 0.62),
        is_sound=(phone_kind == OWN) & ~is_mistyped & never_moved,
    )


def with_end(accounts: Accounts, ended: Ints) -> Accounts:
    """The accounts with the day on which each ends, NEVER for most; it is their only change."""
    is_ending = ended < NEVER
    return replace(
        accounts,
        changed=np.where(is_ending, ended, accounts.changed),
        change=np.where(is_ending, ENDED, accounts.change),
        is_sound=accounts.is_sound & ~is_ending,
    )


def without_phone(accounts: Accounts, is_without: Flags) -> Accounts:
    """The accounts, some of them with no number at all."""
    return replace(
        accounts,
        phone=np.where(is_without, -1, accounts.phone),
        later_phone=np.where(is_without, -1, accounts.later_phone),
        phone_kind=np.where(is_without, MISSING, accounts.phone_kind),
        is_sound=accounts.is_sound & ~is_without,
    )


def with_checked_phones(
    rng: np.random.Generator, accounts: Accounts, without_share: float
) -> Accounts:
    """The accounts of an app that checks numbers and asks for no name: one's own number on the day
    of registration, or none.
    """
    is_without = (accounts.phone_kind != OWN) | flip(rng, accounts.count, without_share)
    plain = replace(
        accounts,
        phone=accounts.people.number_on(accounts.person, accounts.registered),
        phone_style=np.full(accounts.count, PLAIN),
        changed=np.where(accounts.changed > accounts.registered, accounts.changed, NEVER),
        is_name_mistyped=np.zeros(accounts.count, dtype=np.bool_),
        is_sound=accounts.phone_kind == OWN,
    )
    return without_phone(plain, is_without)


def _registration_days(rng: np.random.Generator, people: People, person: Ints) -> Ints:
    """Most joined over the years, one in eight around the nights made or after the last one."""
    count = len(person)
    years_ago = rng.exponential(1_000, count).clip(0, 4_500).astype(np.int64)
    long_ago = people.first_day - 200 - years_ago
    lately = people.first_day + rng.integers(-300, 90, count)
    registered = np.where(flip(rng, count, 0.12), lately, long_ago)
    grown = people.birth_day[person] + np.where(people.is_adult[person], 16, 1) * 365
    registered = np.maximum(registered, np.minimum(grown, people.first_day - 1))
    with_taken = people.has_taken_number[person] & flip(rng, count, 0.7)
    taken_on = people.switch_day[person] + rng.integers(1, 30, count)
    return np.where(with_taken, taken_on, registered)


def _phone_kinds(rng: np.random.Generator, people: People, person: Ints) -> Ints:
    """Whose number an account shows; children and the old often give somebody else's."""
    count = len(person)
    age = people.age[person]
    share = np.full(count, RATES.adult_uses_family_phone)
    share[age >= ELDER_AGE] = RATES.elder_uses_family_phone
    share[age < 16] = RATES.child_uses_parent_phone
    kind = np.where(rng.random(count) < share, FAMILY, OWN)
    kind[(kind == FAMILY) & (people.lender[person] < 0)] = OWN
    kind[(kind == OWN) & (age < 12)] = MISSING
    for other, rate in (
        (PLACEHOLDER, RATES.placeholder_phone),
        (MISTYPED, RATES.mistyped_phone),
        (MISSING, RATES.missing_phone),
    ):
        kind[flip(rng, count, rate)] = other
    return kind


def _phones(rng: np.random.Generator, people: People, person: Ints, day: Ints, kind: Ints) -> Ints:
    count = len(person)
    owner = np.where(kind == FAMILY, people.lender[person], person)
    phone = people.number_on(owner, day)
    wrong_place = 10 ** rng.integers(0, 8, count)
    digit = phone // wrong_place % 10
    mistyped = phone + ((digit + rng.integers(1, 10, count)) % 10 - digit) * wrong_place
    placeholder = np.array(PLACEHOLDER_NUMBERS)[rng.integers(0, len(PLACEHOLDER_NUMBERS), count)]
    choices = [kind == MISTYPED, kind == PLACEHOLDER, kind == MISSING]
    return np.select(choices, [mistyped, placeholder, np.full(count, -1)], phone)


def _changes(
    rng: np.random.Generator,
    people: People,
    person: Ints,
    registered: Ints,
    kind: Ints,
    phone: Ints,
) -> tuple[Ints, Ints, Ints]:
    """What changes later in each row: (changed, change, later_phone).

    Who changes number tells some businesses; where nobody told, a recycled number loses its
    verified mark.
    """
    count = len(person)
    around = people.first_day + rng.integers(-300, 60, count)
    has_change = flip(rng, count, RATES.consent_changed)
    changed = np.where(has_change, around, NEVER)
    change = np.where(has_change, CONSENT, NOTHING)
    moves = (kind == OWN) & (people.switch_day[person] < NEVER)
    tells = moves & ~flip(rng, count, RATES.old_number_kept)
    lapses = moves & ~tells & people.has_recycled_number[person]
    moved_on = people.switch_day[person] + rng.integers(0, 20, count)
    for mark, what in ((tells, PHONE), (lapses, UNVERIFIED)):
        changed = np.where(mark, moved_on, changed)
        change = np.where(mark, what, change)
    is_real = changed > registered
    later_phone = np.where(tells, people.next_number[person], phone)
    return np.where(is_real, changed, NEVER), np.where(is_real, change, NOTHING), later_phone


def _phone_styles(rng: np.random.Generator, kind: Ints) -> Ints:
    shares = [RATES.phone_with_country_code, RATES.phone_with_spaces, RATES.phone_in_full_width]
    borders = np.cumsum(shares)
    style = (np.searchsorted(borders, rng.random(len(kind)), side="right") + 1) % 4
    return np.where(kind == PLACEHOLDER, PLAIN, style)


def written_names(surname: Ints, first: Ints, second: Ints, style: Ints) -> pl.Series:
    """Names in Chinese, in pinyin either way round, or in traditional characters."""
    family, given = names.surnames(), names.characters()
    simplified = (
        choose(family.simplified, surname)
        + choose(given.simplified, first)
        + choose(given.simplified, second)
    )
    if not style.any():
        return simplified
    traditional = (
        choose(family.traditional, surname)
        + choose(given.traditional, first)
        + choose(given.traditional, second)
    )
    family_pinyin = choose(family.pinyin, surname)
    given_pinyin = choose(given.pinyin, first) + choose(given.pinyin, second)
    family_first = family_pinyin.str.to_uppercase() + " " + given_pinyin.str.to_uppercase()
    given_first = given_pinyin.str.to_titlecase() + " " + family_pinyin.str.to_titlecase()
    result = traditional.zip_with(pl.Series(style == TRADITIONAL), simplified)
    result = family_first.zip_with(pl.Series(style == PINYIN_FAMILY_FIRST), result)
    return given_first.zip_with(pl.Series(style == PINYIN_GIVEN_FIRST), result)


def written_mobiles(phone: Ints, style: Ints) -> pl.Series:
    """Mobile numbers in the styles that desks use; -1 becomes NULL."""
    plain = pl.Series(np.maximum(phone, 0)).cast(pl.String).str.zfill(11)
    spaced = plain.str.slice(0, 3) + " " + plain.str.slice(3, 4) + " " + plain.str.slice(7)
    full_width = plain.str.replace_many(FULL_WIDTH_DIGITS)
    result = ("+86" + plain).zip_with(pl.Series(style == COUNTRY_CODE), plain)
    result = spaced.zip_with(pl.Series(style == SPACED), result)
    result = full_width.zip_with(pl.Series(style == FULL_WIDTH), result)
    return blank(result, phone < 0)
