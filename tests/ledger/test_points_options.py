"""Renewal, pending points, reinstatement, opening balances, only_pending: worked by hand.

RULES §2, §4, §5; ACCEPTANCE C9, C11.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tests.ledger.reference import Entry, Event
from tests.ledger.tables import folded_rows

Line = tuple[str, str, str | None, date, int]


def june(number: int) -> date:
    return date(2026, 6, number)


def buy(day: date, order: str, amount: int, expires: date | None = None, **more: Any) -> Event:
    return Event("accrual", day, amount, order, lot_id=f"L{order}", expires_on_date=expires, **more)


def renew(day: date, amount: int, window: int = 30, months: int = 6, activity: str = "N") -> Event:
    return Event(
        "renewal",
        day,
        amount,
        activity,
        renewal_window_days=window,
        renewal_extension_months=months,
    )


def spend(day: date, amount: int, activity: str = "R") -> Event:
    return Event("redemption", day, amount, activity)


def give_back(day: date, amount: int) -> Event:
    return Event("restore", day, amount, "B", target_activity_id="R")


def refund(day: date, amount: int, policy: str = "unlimited", order: str = "O1") -> Event:
    return Event("claw_back", day, amount, "F", target_activity_id=order, refund_policy=policy)


def lines(*events: Event, until: date) -> list[Line]:
    """What the fold writes, without notes of last days: type, cause, lot, date, points."""
    return [
        (row.entry_type, row.activity_id, row.lot_id, row.business_date, row.points)
        for row in folded_rows(list(events), until)
        if row.entry_type != "last_day"
    ]


# RULES §2: lots 300 (30 June) and 500 (31 July); a purchase of ¥200 on 20 June, 1 point a ¥1.
TWO_LOTS = (
    buy(date(2025, 12, 30), "O1", 300, june(30), rule_id="earn", price_date=date(2025, 12, 30)),
    buy(date(2026, 1, 31), "O2", 500, date(2026, 7, 31)),
)


def test_a_purchase_renews_the_points_of_the_lot_that_lapses_soon_and_no_other() -> None:
    assert lines(*TWO_LOTS, renew(june(20), 200), until=date(2026, 12, 30))[2:] == [
        ("renewal_out", "N", "LO1", june(20), 200),
        ("renewal_in", "N", "LO1/renewed", june(20), 200),
        ("expiry", "O1", "LO1", june(30), 100),
        ("expiry", "O2", "LO2", date(2026, 7, 31), 500),
        ("expiry", "O1", "LO1/renewed", date(2026, 12, 30), 200),
    ]


def test_a_renewed_piece_keeps_issuer_price_date_rule_and_parent() -> None:
    renewed = replace(renew(june(20), 200), business="hotel", rule_id="expiry", account_id="A9")
    rows = {row.entry_type: row for row in folded_rows([*TWO_LOTS, renewed], june(20))}
    piece = rows["renewal_in"]
    assert (piece.lot_id, piece.parent_lot_id, piece.issuer_business, piece.account_id) == (
        *("LO1/renewed", "LO1", "mall", "A1"),
    )
    assert (piece.price_date, piece.rule_id, piece.expires_on_date) == (
        *(date(2025, 12, 30), "earn", date(2026, 12, 30)),
    )
    assert (piece.from_party, piece.to_party) == ("renewal:mall", "member")
    assert (rows["renewal_out"].from_party, rows["renewal_out"].to_party) == (
        *("member", "renewal:mall"),
    )


@pytest.mark.parametrize(
    ("day", "window", "is_renewed"),
    [
        (june(20), 10, True),
        (june(20), 9, False),
        (june(30), 0, True),
        (date(2026, 7, 1), 30, False),
    ],
)
def test_the_window_reaches_from_the_purchase_to_its_last_day_inclusive(
    day: date, window: int, is_renewed: bool
) -> None:
    rows = lines(TWO_LOTS[0], renew(day, 200, window), until=day)
    assert ("renewal_out" in {row[0] for row in rows}) is is_renewed


def test_a_purchase_renews_whole_lots_oldest_expiry_first_until_its_points_are_used_up() -> None:
    assert lines(*TWO_LOTS, renew(june(20), 350, window=60), until=june(20))[2:] == [
        ("renewal_out", "N", "LO1", june(20), 300),
        ("renewal_in", "N", "LO1/renewed", june(20), 300),
        ("renewal_out", "N", "LO2", june(20), 50),
        ("renewal_in", "N", "LO2/renewed", june(20), 50),
    ]


def test_a_lot_is_renewed_once_and_so_is_neither_its_rest_nor_its_renewed_piece() -> None:
    again = renew(june(21), 900, window=300, activity="N2")
    assert lines(TWO_LOTS[0], renew(june(20), 200), again, until=june(21))[3:] == []


def test_a_renewed_piece_is_spent_after_what_lapses_earlier_and_gets_its_points_back() -> None:
    events = (*TWO_LOTS, renew(june(20), 200), spend(june(21), 650), give_back(june(22), 60))
    assert lines(*events, until=june(22))[4:] == [
        ("redemption", "R", "LO1", june(21), 100),
        ("redemption", "R", "LO2", june(21), 500),
        ("redemption", "R", "LO1/renewed", june(21), 50),
        ("restore", "B", "LO1/renewed", june(22), 50),
        ("restore", "B", "LO2", june(22), 10),
    ]


def test_a_refund_takes_its_order_back_from_the_renewed_piece_too() -> None:
    events = (*TWO_LOTS, renew(june(20), 200), refund(june(21), 300))
    assert lines(*events, until=june(21))[4:] == [
        ("claw_back", "F", "LO1", june(21), 100),
        ("claw_back", "F", "LO1/renewed", june(21), 200),
    ]


PENDING = buy(june(1), "O1", 100, june(30), release_on_date=june(8))


def test_pending_points_cannot_be_spent_the_day_before_their_release() -> None:
    assert lines(PENDING, spend(june(7), 30), until=june(8)) == [
        ("pending", "O1", "LO1", june(1), 100),
        ("redemption_debt", "R", None, june(7), 30),
        ("release", "O1", "LO1", june(8), 100),
        ("debt_repayment", "O1", "LO1", june(8), 30),
    ]


def test_pending_points_can_be_spent_on_the_day_of_their_release() -> None:
    assert lines(PENDING, spend(june(8), 30), until=june(8)) == [
        ("pending", "O1", "LO1", june(1), 100),
        ("release", "O1", "LO1", june(8), 100),
        ("redemption", "R", "LO1", june(8), 30),
    ]


@pytest.mark.parametrize(("until", "is_released"), [(june(7), False), (june(8), True)])
def test_the_run_that_closes_the_day_of_release_releases(until: date, is_released: bool) -> None:
    assert (len(lines(PENDING, until=until)) == 2) is is_released


def test_pending_points_do_not_lapse_before_their_release_but_on_its_day() -> None:
    late = replace(PENDING, expires_on_date=june(3))
    assert lines(late, spend(june(8), 30), until=june(8)) == [
        ("pending", "O1", "LO1", june(1), 100),
        ("release", "O1", "LO1", june(8), 100),
        ("expiry", "O1", "LO1", june(8), 100),
        ("redemption_debt", "R", None, june(8), 30),
    ]


@pytest.mark.parametrize("policy", ["unlimited", "within_balance", "only_pending"])
def test_a_refund_before_release_cancels_pending_points_and_touches_nothing_else(
    policy: str,
) -> None:
    other = buy(june(1), "O2", 500)
    assert lines(PENDING, other, refund(june(7), 60, policy), until=june(8))[2:] == [
        ("pending_claw_back", "F", "LO1", june(7), 60),
        ("release", "O1", "LO1", june(8), 40),
    ]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("only_pending", [("shortfall", "F", None, june(9), 100)]),
        ("within_balance", [("claw_back", "F", "LO1", june(9), 100)]),
    ],
)
def test_after_the_release_only_pending_takes_nothing(policy: str, expected: list[Line]) -> None:
    assert lines(PENDING, refund(june(9), 100, policy), until=june(9))[2:] == expected


def test_instalments_are_released_one_by_one_and_a_refund_cancels_the_last_one_first() -> None:
    instalments = [
        replace(buy(june(1), "O1", 50, release_on_date=june(day)), lot_id=f"O1/{number}")
        for number, day in enumerate((5, 10, 15), 1)
    ]
    assert lines(*instalments, refund(june(7), 120), until=june(15)) == [
        ("pending", "O1", "O1/1", june(1), 50),
        ("pending", "O1", "O1/2", june(1), 50),
        ("pending", "O1", "O1/3", june(1), 50),
        ("release", "O1", "O1/1", june(5), 50),
        ("pending_claw_back", "F", "O1/3", june(7), 50),
        ("pending_claw_back", "F", "O1/2", june(7), 50),
        ("claw_back", "F", "O1/1", june(7), 20),
    ]


def test_pending_points_are_a_party_of_their_own() -> None:
    rows = folded_rows([PENDING, refund(june(7), 60)], june(8))
    assert [(row.from_party, row.to_party, row.release_on_date) for row in rows] == [
        ("issuer:mall", "member_pending", june(8)),
        ("member_pending", "issuer:mall", june(8)),
        ("member_pending", "member", june(8)),
    ]


@pytest.mark.parametrize(
    ("days", "spent_on", "expected"),
    [
        (0, june(12), [("expiry", june(12)), ("redemption_debt", june(12))]),
        (5, june(17), [("redemption", june(17))]),
        (5, june(18), [("expiry", june(17)), ("redemption_debt", june(18))]),
    ],
)
def test_points_that_return_after_their_last_day_stay_usable_for_the_days_of_reinstatement(
    days: int, spent_on: date, expected: list[tuple[str, date]]
) -> None:
    """Lapsed on 10 June, back on the 12th, with five days usable through the 17th."""
    lot = buy(june(1), "O1", 10, june(10), reinstatement_days=days)
    use = replace(spend(spent_on, 10, "S"), slot=1)
    rows = lines(lot, spend(june(2), 10), give_back(june(12), 10), use, until=spent_on)
    assert [(row[0], row[3]) for row in rows[3:]] == expected


@pytest.mark.parametrize(("returned_on", "last_day"), [(10, june(10)), (11, june(16))])
def test_reinstatement_is_for_what_returns_after_the_last_day_not_on_it(
    returned_on: int, last_day: date
) -> None:
    lot = buy(june(1), "O1", 10, june(10), reinstatement_days=5)
    rows = lines(lot, spend(june(2), 10), give_back(june(returned_on), 10), until=june(30))
    assert rows[-1] == ("expiry", "O1", "LO1", last_day, 10)


def test_an_opening_balance_is_a_lot_that_nobody_issued() -> None:
    opening = Event("opening", june(1), 900, "old", lot_id="Lold", expires_on_date=june(30))
    rows: list[Entry] = folded_rows([opening, spend(june(2), 100)], june(30))
    assert [(row.entry_type, row.from_party, row.to_party, row.points) for row in rows] == [
        ("opening_balance", "opening:mall", "member", 900),
        ("redemption", "member", "redeemer:mall", 100),
        ("expiry", "member", "breakage:mall", 800),
    ]


def test_only_pending_claws_nothing_back_of_spent_points_and_books_all_as_shortfall() -> None:
    """RULES §4: lot A 1,000, lot B 300, 1,100 redeemed, 60 % of order 1 refunded."""
    spent = (buy(june(1), "O1", 1000), buy(june(2), "O2", 300), spend(june(3), 1100))
    assert lines(*spent, refund(june(4), 600, "only_pending"), until=june(4))[4:] == [
        ("shortfall", "F", None, june(4), 600)
    ]
