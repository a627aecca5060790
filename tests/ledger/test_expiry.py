"""How long points last: the words of the rule book, through the fold, to the day worked by hand.

RULES §1, §2, §5, §12; ACCEPTANCE C11.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from ingest.core.errors import Problem
from ingest.rules.expiry import OwnExpiryTimeline, expiry_rows
from ingest.rules.points import Points
from ledger import points
from ledger.calendar import add_months, anniversary, day_in_year, day_number, period_end
from ledger.expiry import EXPIRY
from ledger.points_night import ENTRIES, entries_by_rules
from tests.ledger.reference import Entry, Event, later, rounded
from tests.ledger.tables import event_table

Value = dict[str, Any]
ONE_DAY = timedelta(days=1)
START = date(2000, 1, 1)


def d(text: str) -> date:
    return date.fromisoformat(text)


def rules(*versions: tuple[date, Value], **own: list[tuple[date, Value | None]]) -> pa.Table:
    """Versions of expiry as the rule books say them, compiled; `own` are those of businesses."""
    signed = {"source": "s", "approved_by": "a"}
    book = Points.model_validate(
        {
            "points_per_10000_fen": [{"from": START, "value": 100, **signed}],
            "expiry": [{"from": day, "value": value, **signed} for day, value in versions],
            "resets_clock": [{"from": START, "value": ["purchase"], **signed}],
        }
    )
    dated = [{"from": day, "value": value, **signed} for day, value in own.get("hotel", [])]
    hotel = TypeAdapter(OwnExpiryTimeline).validate_python(dated) if own else None
    rows = expiry_rows(book.expiry, {"hotel": hotel, "mall": None})
    return pa.Table.from_pylist(
        [{name: row[name] for name in EXPIRY.names} for row in rows], EXPIRY
    )


def entries(events: list[Event], table: pa.Table, until: date) -> list[Entry]:
    rows = entries_by_rules(event_table(events), table, until).cast(ENTRIES).to_pylist()
    return [Entry(**row) for row in rows]


def lines(
    events: list[Event], table: pa.Table, until: date
) -> list[tuple[str, str | None, date, int]]:
    """What the fold writes, without notes of last days: type, lot, date, points."""
    return [
        (row.entry_type, row.lot_id, row.business_date, row.points)
        for row in entries(events, table, until)
        if row.entry_type != "last_day"
    ]


def earn(day: str, order: str = "O", amount: int = 100, **more: Any) -> Event:
    return Event("accrual", d(day), amount, order, lot_id=f"L{order}", **more)


def clock(day: str) -> Event:
    return Event("clock", d(day), 0, f"clock {day}", is_qualifying=True)


def spend(day: date, amount: int, activity: str = "R") -> Event:
    return Event("redemption", day, amount, activity, slot=9)


def tier(day: str, name: str) -> Event:
    return Event("tier", d(day), 0, f"tier {day}", tier=name, slot=-1)


@dataclass(frozen=True)
class Case:
    """A lot of 100 points, what the member does besides, and the last day on which it is usable."""

    value: Value
    earned: str
    last_day: str | None
    activity: list[str] = field(default_factory=list)
    joined: str | None = None
    tiers: list[tuple[str, str]] = field(default_factory=list)

    def events(self) -> list[Event]:
        joined = d(self.joined) if self.joined else None
        member = [clock(day) for day in self.activity] + [tier(*held) for held in self.tiers]
        return [earn(self.earned, joined_date=joined), *member]


def rolling(months: int, round_up_to: str | None = None) -> Value:
    return {"model": "rolling", "months": months, "round_up_to": round_up_to}


def fixed(month: int, day: int, years_after: int = 1) -> Value:
    return {"model": "fixed", "month": month, "day": day, "years_after": years_after}


def anniversary_of(years: int, **more: Any) -> Value:
    return {"model": "anniversary", "years": years, **more}


NEVER: Value = {"model": "never"}
IDLE_24: Value = {"model": "activity", "idle_months": 24}
DUAL: Value = {"model": "dual", "idle_months": 18, "absolute_months": 48}
EXEMPT: Value = {**rolling(12), "exempt_tiers": ["diamond", "gold"]}
MAY_10 = "2020-05-10"
LEAP = "2020-02-29"
ALIVE = "2023-03-01"  # keeps a lot of January 2022 alive under DUAL until 1 September 2024

CASES = [
    # Never.
    Case(NEVER, "2024-02-29", None),
    Case(NEVER, "2026-12-31", None),
    # Rolling: months clamp to the end of the month.
    Case(rolling(12), "2024-02-29", "2025-02-28"),
    Case(rolling(1), "2023-01-31", "2023-02-28"),
    Case(rolling(1), "2024-01-31", "2024-02-29"),
    Case(rolling(1), "2024-01-30", "2024-02-29"),
    Case(rolling(1), "2024-01-29", "2024-02-29"),
    Case(rolling(1), "2024-01-28", "2024-02-28"),
    Case(rolling(1), "2024-03-31", "2024-04-30"),
    Case(rolling(1), "2024-04-30", "2024-05-30"),
    Case(rolling(2), "2025-12-31", "2026-02-28"),
    Case(rolling(6), "2023-08-31", "2024-02-29"),
    Case(rolling(48), "2024-02-29", "2028-02-29"),
    Case(rolling(48), "2096-02-29", "2100-02-28"),
    Case(rolling(12), "2026-01-15", "2027-01-15"),
    Case(rolling(12), "2026-12-31", "2027-12-31"),
    # Rounded up to the end of a period; what ends with it stays.
    Case(rolling(12, "month_end"), "2026-01-15", "2027-01-31"),
    Case(rolling(12, "month_end"), "2025-03-31", "2026-03-31"),
    Case(rolling(12, "month_end"), "2023-02-10", "2024-02-29"),
    Case(rolling(1, "month_end"), "2026-01-31", "2026-02-28"),
    Case(rolling(12, "quarter_end"), "2026-01-01", "2027-03-31"),
    Case(rolling(12, "quarter_end"), "2026-03-31", "2027-03-31"),
    Case(rolling(12, "quarter_end"), "2026-04-01", "2027-06-30"),
    Case(rolling(1, "quarter_end"), "2026-11-30", "2026-12-31"),
    Case(rolling(12, "half_year_end"), "2026-06-30", "2027-06-30"),
    Case(rolling(12, "half_year_end"), "2026-07-01", "2027-12-31"),
    Case(rolling(12, "year_end"), "2026-01-01", "2027-12-31"),
    Case(rolling(12, "year_end"), "2026-12-31", "2027-12-31"),
    Case(rolling(1, "year_end"), "2026-12-31", "2027-12-31"),
    # Fixed: all of a year lapse on one day of a later one.
    Case(fixed(3, 31), "2026-01-01", "2027-03-31"),
    Case(fixed(3, 31), "2026-12-31", "2027-03-31"),
    Case(fixed(3, 31), "2027-01-01", "2028-03-31"),
    Case(fixed(2, 29), "2026-05-01", "2027-02-28"),
    Case(fixed(2, 29), "2027-05-01", "2028-02-29"),
    Case(fixed(12, 31, years_after=2), "2024-02-29", "2026-12-31"),
    # Anniversary of joining, after the day earned.
    Case(anniversary_of(1), "2026-05-09", "2026-05-10", joined=MAY_10),
    Case(anniversary_of(1), "2026-05-10", "2027-05-10", joined=MAY_10),
    Case(anniversary_of(1), "2026-05-11", "2027-05-10", joined=MAY_10),
    Case(anniversary_of(2), "2026-05-09", "2027-05-10", joined=MAY_10),
    Case(anniversary_of(1), "2026-03-01", "2027-02-28", joined=LEAP),
    Case(anniversary_of(1), "2027-02-27", "2027-02-28", joined=LEAP),
    Case(anniversary_of(1), "2027-02-28", "2028-02-29", joined=LEAP),
    Case(anniversary_of(1), "2028-02-28", "2028-02-29", joined=LEAP),
    Case(anniversary_of(1), "2020-05-10", "2021-05-10", joined=MAY_10),
    Case(anniversary_of(1), "2026-05-09", "2027-05-09"),
    Case(anniversary_of(1), "2026-05-09", "2027-09-01", joined="2026-09-01"),
    Case(anniversary_of(1, round_up_to="quarter_end"), "2026-05-10", "2027-06-30", joined=MAY_10),
    # Activity: the whole balance, so long after the last activity that qualifies.
    Case(IDLE_24, "2024-01-10", "2026-03-15", activity=["2024-03-15"]),
    Case(IDLE_24, "2024-01-10", "2026-01-10"),
    Case(IDLE_24, "2024-01-10", "2026-06-30", activity=["2024-03-15", "2024-06-30", "2024-04-01"]),
    Case(IDLE_24, "2024-01-10", "2028-01-10", activity=["2026-01-10"]),
    Case(IDLE_24, "2024-01-10", "2026-01-10", activity=["2026-01-11"]),
    Case(IDLE_24, "2024-03-01", "2026-01-01", activity=["2024-01-01"]),
    Case(IDLE_24, "2024-03-01", "2026-03-01", activity=["2020-01-01"]),
    Case(IDLE_24, "2024-01-10", "2026-02-28", activity=["2024-02-29"]),
    Case({"model": "activity", "idle_months": 1}, "2023-01-31", "2023-02-28"),
    Case({**IDLE_24, "round_up_to": "month_end"}, "2024-01-10", "2026-03-31", ["2024-03-15"]),
    # Dual: the earlier of the two.
    Case(DUAL, "2022-01-10", "2025-09-15", activity=[ALIVE, "2024-03-15"]),
    Case(DUAL, "2022-01-10", "2026-01-10", activity=[ALIVE, "2024-03-15", "2025-01-10"]),
    Case(DUAL, "2022-01-10", "2026-01-09", activity=[ALIVE, "2024-07-09"]),
    Case(DUAL, "2022-01-10", "2026-01-10", activity=[ALIVE, "2024-07-10"]),
    Case(DUAL, "2022-01-10", "2026-01-10", activity=[ALIVE, "2024-07-11"]),
    Case(DUAL, "2022-01-10", "2023-07-10"),
    Case({**DUAL, "round_up_to": "year_end"}, "2022-01-10", "2023-12-31"),
    # Exempt while gold or diamond; after that the later of the own and the last exempt day.
    Case(EXEMPT, "2025-03-31", "2026-03-31", tiers=[("2026-01-01", "silver")]),
    Case(EXEMPT, "2025-03-31", None, tiers=[("2026-01-01", "gold")]),
    Case(EXEMPT, "2025-03-31", None, tiers=[("2026-03-31", "gold")]),
    Case(EXEMPT, "2025-03-31", "2026-03-31", tiers=[("2026-04-01", "gold")]),
    Case(
        EXEMPT, "2025-03-31", "2026-05-31", tiers=[("2026-01-01", "gold"), ("2026-06-01", "silver")]
    ),
    Case(
        EXEMPT, "2025-03-31", "2026-03-31", tiers=[("2025-06-01", "gold"), ("2026-01-01", "silver")]
    ),
    Case(
        EXEMPT, "2025-03-31", "2026-03-31", tiers=[("2025-06-01", "gold"), ("2026-04-01", "silver")]
    ),
    Case(
        EXEMPT, "2025-03-31", "2026-04-01", tiers=[("2025-06-01", "gold"), ("2026-04-02", "silver")]
    ),
    Case(
        EXEMPT,
        "2025-03-31",
        "2026-07-31",
        tiers=[("2025-06-01", "gold"), ("2026-05-01", "diamond"), ("2026-08-01", "basic")],
    ),
    Case({**IDLE_24, "exempt_tiers": ["gold"]}, "2024-01-10", None, tiers=[("2025-01-01", "gold")]),
]


def test_the_table_of_cases_is_as_long_as_it_was_agreed() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.value} {case.earned}")
def test_a_lot_is_usable_through_the_day_worked_by_hand_and_no_longer(case: Case) -> None:
    table = rules((START, case.value))
    awarded = ("accrual", "LO", d(case.earned), 100)
    if case.last_day is None:
        far = date(2200, 1, 1)
        assert lines(case.events(), table, far) == [awarded]
        assert lines([*case.events(), spend(far, 100)], table, far)[1:] == [
            ("redemption", "LO", far, 100)
        ]
        return
    last_day = d(case.last_day)
    known = [event for event in case.events() if event.business_date <= last_day]
    learnt = [event for event in case.events() if event.business_date <= last_day + ONE_DAY]
    if not case.tiers:
        assert lines(known, table, last_day - ONE_DAY)[1:] == []
    assert lines(learnt, table, last_day + ONE_DAY)[1:] == [("expiry", "LO", last_day, 100)]
    assert lines([*known, spend(last_day, 60)], table, last_day)[1] == (
        "redemption",
        "LO",
        last_day,
        60,
    )
    assert lines([*learnt, spend(last_day + ONE_DAY, 60)], table, last_day + ONE_DAY)[1:] == [
        ("expiry", "LO", last_day, 100),
        ("redemption_debt", None, last_day + ONE_DAY, 60),
    ]


@pytest.mark.parametrize(
    ("earned", "last_day"),
    [("2025-12-31", date(2026, 12, 31)), ("2026-01-01", date(2028, 1, 1)), ("2026-06-01", None)],
)
def test_the_version_in_force_on_the_day_earned_decides(earned: str, last_day: date | None) -> None:
    table = rules((START, rolling(12)), (d("2026-01-01"), rolling(24)), (d("2026-06-01"), NEVER))
    found = [line[2] for line in lines([earn(earned)], table, date(2100, 1, 1)) if line[1:3]]
    assert found[1:] == ([last_day] if last_day else [])


def test_points_earned_before_the_first_version_are_a_problem_that_names_the_day() -> None:
    with pytest.raises(Problem, match="expiry of mall is in force on 2025-12-31"):
        lines([earn("2025-12-31")], rules((d("2026-01-01"), NEVER)), d("2026-01-01"))


def test_an_order_that_arrives_after_its_lot_has_lapsed_is_awarded_and_expires_on_one_run() -> None:
    """RULES §12: two lines, not silence."""
    assert lines([earn("2024-02-29")], rules((START, rolling(12))), d("2026-11-26")) == [
        ("accrual", "LO", d("2024-02-29"), 100),
        ("expiry", "LO", d("2025-02-28"), 100),
    ]


def test_activity_keeps_the_whole_balance_alive_and_without_it_all_lapses_on_one_day() -> None:
    events = [earn("2024-01-10", "A"), earn("2024-02-10", "B"), clock("2024-03-15")]
    assert lines(events, rules((START, IDLE_24)), d("2026-03-15"))[2:] == [
        ("expiry", "LA", d("2026-03-15"), 100),
        ("expiry", "LB", d("2026-03-15"), 100),
    ]


@pytest.mark.parametrize("is_qualifying", [True, False])
def test_a_redemption_keeps_points_alive_only_if_its_type_resets_the_clock(
    is_qualifying: bool,
) -> None:
    used = replace(spend(d("2025-01-10"), 1), is_qualifying=is_qualifying)
    rows = lines([earn("2024-01-10"), used], rules((START, IDLE_24)), d("2030-01-01"))
    last_day = d("2027-01-10") if is_qualifying else d("2026-01-10")
    assert rows[-1] == ("expiry", "LO", last_day, 99)


def test_lots_of_two_models_change_places_when_activity_moves_the_last_day_of_one() -> None:
    """A lapses 10 Jan 2026 by its own date; B on 5 Jan, and after activity on 1 Feb 2025."""
    table = rules((START, rolling(24)), (d("2024-01-15"), {"model": "activity", "idle_months": 12}))
    both = [earn("2024-01-10", "A"), replace(earn("2025-01-05", "B"), slot=1)]
    before = [*both, spend(d("2025-01-06"), 10)]
    assert lines(before, table, d("2025-01-06"))[2][1] == "LB"
    after = [*both, clock("2025-02-01"), spend(d("2025-02-01"), 10)]
    assert lines(after, table, d("2025-02-01"))[2][1] == "LA"


def last_days(events: list[Event], table: pa.Table, until: str) -> list[tuple[Any, ...]]:
    return [
        (row.lot_id, row.expires_on_date, row.points, row.business_date)
        for row in entries(events, table, d(until))
        if row.entry_type == "last_day"
    ]


def test_a_last_day_that_depends_on_the_member_is_noted_beside_what_is_fixed() -> None:
    events = [earn("2022-01-10"), clock("2023-03-01"), spend(d("2023-03-01"), 30)]
    rows = entries(events, rules((START, DUAL)), d("2023-03-01"))
    assert {row.expires_on_date for row in rows if row.entry_type != "last_day"} == {
        d("2026-01-10")
    }
    assert last_days(events, rules((START, DUAL)), "2023-03-01") == [
        ("LO", d("2024-09-01"), 70, d("2022-01-10"))
    ]
    assert last_days(events, rules((START, rolling(24))), "2023-03-01") == []
    gold = [earn("2025-03-31"), tier("2026-01-01", "gold")]
    assert last_days(gold, rules((START, EXEMPT)), "2026-05-01") == [
        ("LO", None, 100, d("2025-03-31"))
    ]


def test_add_months_and_period_ends_of_the_fold_are_those_of_the_calendar() -> None:
    """All days of 2019 to 2032, against Python's own dates."""
    first, last = date(2019, 1, 1), date(2032, 12, 31)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for months in (0, 1, 6, 12, 18, 48):
            expected = later(day, months)
            assert points.add_months(day_number(day), months) == day_number(expected)
        for months in (0, 1, 3, 6, 12):
            if months == 0 or day.day > 25:
                expected = rounded(day, months)
                assert points.period_end(day_number(day), months) == day_number(expected)


def test_the_calendar_of_whole_arrays_agrees_with_the_fold() -> None:
    days = np.arange(day_number(date(1895, 1, 1)), day_number(date(2105, 1, 1)))
    for months in (-13, 0, 1, 12, 48):
        found = [points.add_months(int(day), months) for day in days]
        assert found == add_months(days, months).tolist()
    for months in (0, 1, 3, 6, 12):
        found = [points.period_end(int(day), months) for day in days]
        assert found == period_end(days, months).tolist()
    leap = np.full(1, day_number(date(2024, 2, 29)))
    assert day_in_year(leap, 1, 2, 29).tolist() == [day_number(date(2025, 2, 28))]
    assert anniversary(leap, leap, 1).tolist() == [day_number(date(2025, 2, 28))]


# A rule of one business


@pytest.mark.parametrize(
    ("business", "earned", "last_day"),
    [
        ("hotel", "2025-12-31", "2026-12-31"),  # the group's, the day before
        ("hotel", "2026-01-01", "2028-01-01"),  # its own: 24 months
        ("mall", "2026-01-01", "2027-01-01"),  # never the hotel's
        ("hotel", "2026-06-30", "2028-06-30"),
        ("hotel", "2026-07-01", "2027-07-01"),  # null: the group's again
    ],
)
def test_points_of_a_business_last_as_its_own_rule_says_while_it_has_one(
    business: str, earned: str, last_day: str
) -> None:
    own = [(d("2026-01-01"), rolling(24)), (d("2026-07-01"), None)]
    table, last = rules((START, rolling(12)), hotel=own), d(last_day)
    events = [earn(earned, business=business), tier(earned, "gold")]
    assert len(lines(events, table, last - ONE_DAY)) == 1
    assert lines(events, table, last)[1:] == [("expiry", "LO", last, 100)]


def test_a_business_without_a_version_on_the_day_is_named() -> None:
    with pytest.raises(Problem, match="no version of expiry of outlet is in force on 2026-01-01"):
        lines([earn("2026-01-01", business="outlet")], rules((START, NEVER)), d("2026-01-02"))


# A last day that a lot brings along


def opened(last: str | None) -> Event:
    brought = d(last) if last else None
    return Event("opening", d("2025-12-31"), 100, "old", lot_id="opening/old", last_date=brought)


@pytest.mark.parametrize("model", [NEVER, rolling(12), rolling(12, "year_end"), IDLE_24, DUAL])
def test_a_lot_that_brings_its_last_day_along_lapses_then_whatever_the_model(model: Value) -> None:
    table, last = rules((START, model)), d("2026-06-30")
    events = [opened("2026-06-30"), clock("2026-05-01")]
    assert lines(events, table, last - ONE_DAY) == [
        ("opening_balance", "opening/old", d("2025-12-31"), 100)
    ]
    assert lines(events, table, last)[1:] == [("expiry", "opening/old", last, 100)]


def test_a_lot_without_one_lapses_as_if_it_was_earned_on_the_cut_over_date() -> None:
    table, last = rules((START, rolling(12))), d("2026-12-31")
    assert len(lines([opened(None)], table, last - ONE_DAY)) == 1
    assert lines([opened(None)], table, last)[1:] == [("expiry", "opening/old", last, 100)]


def test_what_goes_with_any_model_holds_for_a_lot_that_brings_its_last_day_along() -> None:
    table = rules((START, EXEMPT))
    events = [opened("2026-06-30"), tier("2026-06-30", "gold"), tier("2026-08-11", "basic")]
    assert lines(events, table, d("2026-08-09"))[1:] == []
    assert lines(events, table, d("2026-08-10"))[1:] == [
        ("expiry", "opening/old", d("2026-08-10"), 100)
    ]
