"""The points fold on cases worked by hand (RULES §1, §3, §4, §12)."""

from dataclasses import replace
from datetime import date

import pytest

from ingest.core.errors import Problem
from ledger.points_night import points_entries
from tests.ledger.reference import Event
from tests.ledger.tables import folded_rows, ruled_table

Line = tuple[str, str, str | None, date, int]


def day(number: int) -> date:
    """A day of January 2026."""
    return date(2026, 1, number)


def buy(number: int, order: str, points: int, expires: date | None = None) -> Event:
    """An order that earns a lot; order O1 makes lot L1."""
    lot_id = f"L{order[1:]}"
    return Event("accrual", day(number), points, order, expires_on_date=expires, lot_id=lot_id)


def spend(number: int, activity: str, points: int) -> Event:
    return Event("redemption", day(number), points, activity)


def refund(number: int, activity: str, order: str, points: int, policy: str = "unlimited") -> Event:
    return Event(
        "claw_back", day(number), points, activity, target_activity_id=order, refund_policy=policy
    )


def give_back(number: int, activity: str, redemption: str, points: int) -> Event:
    return Event("restore", day(number), points, activity, target_activity_id=redemption)


def lines(*events: Event, until: int = 31) -> list[Line]:
    """What the fold writes, in the order it arises: type, cause, lot, date, points."""
    rows = folded_rows(list(events), day(until))
    return [
        (row.entry_type, row.activity_id, row.lot_id, row.business_date, row.points) for row in rows
    ]


def after_accruals(*events: Event, until: int = 31) -> list[Line]:
    return [line for line in lines(*events, until=until) if line[0] != "accrual"]


def test_points_are_spent_earliest_expiry_first_and_never_expiring_last() -> None:
    assert after_accruals(
        buy(1, "O1", 10),
        buy(2, "O2", 10, expires=date(2026, 6, 30)),
        buy(3, "O3", 10, expires=date(2026, 3, 31)),
        spend(4, "R", 25),
    ) == [
        ("redemption", "R", "L3", day(4), 10),
        ("redemption", "R", "L2", day(4), 10),
        ("redemption", "R", "L1", day(4), 5),
    ]


def test_of_lots_that_expire_together_the_earliest_earned_is_spent_first() -> None:
    expires = date(2026, 6, 30)
    assert after_accruals(
        buy(1, "O2", 10, expires), buy(2, "O1", 10, expires), spend(4, "R", 15)
    ) == [
        ("redemption", "R", "L2", day(4), 10),
        ("redemption", "R", "L1", day(4), 5),
    ]


def test_of_lots_earned_on_one_day_the_smaller_lot_id_is_spent_first() -> None:
    later_order = replace(buy(1, "O1", 10), slot=2)
    assert after_accruals(replace(buy(1, "O2", 10), slot=1), later_order, spend(4, "R", 15)) == [
        ("redemption", "R", "L1", day(4), 10),
        ("redemption", "R", "L2", day(4), 5),
    ]


def test_a_lot_is_usable_through_its_last_day() -> None:
    assert after_accruals(buy(1, "O1", 10, expires=day(10)), spend(10, "R", 4), until=10) == [
        ("redemption", "R", "L1", day(10), 4),
        ("expiry", "O1", "L1", day(10), 6),
    ]


def test_a_lot_is_gone_the_day_after_its_last_day() -> None:
    assert after_accruals(buy(1, "O1", 10, expires=day(10)), spend(11, "R", 4), until=11) == [
        ("expiry", "O1", "L1", day(10), 10),
        ("redemption_debt", "R", None, day(11), 4),
    ]


@pytest.mark.parametrize(
    ("closing_day", "expected"), [(9, []), (10, [("expiry", "O1", "L1", day(10), 10)])]
)
def test_the_run_that_closes_the_last_day_expires_the_lot(
    closing_day: int, expected: list[Line]
) -> None:
    assert after_accruals(buy(1, "O1", 10, expires=day(10)), until=closing_day) == expected


def test_a_lot_awarded_after_its_own_expiry_is_awarded_and_expires_on_the_same_run() -> None:
    """RULES §12: two lines, not silence. The lot's last day is before the day it was earned."""
    assert lines(buy(12, "O1", 10, expires=day(10)), until=12) == [
        ("accrual", "O1", "L1", day(12), 10),
        ("expiry", "O1", "L1", day(12), 10),
    ]


def test_a_late_award_is_expired_on_its_last_day_by_the_run_that_learns_of_it() -> None:
    assert lines(buy(1, "O1", 10, expires=day(10)), until=31) == [
        ("accrual", "O1", "L1", day(1), 10),
        ("expiry", "O1", "L1", day(10), 10),
    ]


# RULES §4: lot A 1,000 of order 1, lot B 300; 1,100 redeemed leave A 0, B 200; 60 % of order 1 is
# refunded, so 600 are clawed back.
SPENT = (buy(1, "O1", 1000), buy(2, "O2", 300), spend(3, "R", 1100))
SPENT_LINES = [
    ("redemption", "R", "L1", day(3), 1000),
    ("redemption", "R", "L2", day(3), 100),
]


def test_an_unlimited_refund_after_spending_leaves_400_of_debt() -> None:
    assert after_accruals(*SPENT, refund(4, "F", "O1", 600)) == [
        *SPENT_LINES,
        ("claw_back", "F", "L2", day(4), 200),
        ("claw_back_debt", "F", None, day(4), 400),
    ]


def test_the_next_400_earned_repay_the_debt_and_the_401st_point_can_be_spent() -> None:
    after = after_accruals(
        *SPENT, refund(4, "F", "O1", 600), buy(5, "O3", 399), buy(6, "O4", 2), spend(7, "S", 2)
    )
    assert after[4:] == [
        ("debt_repayment", "O3", "L3", day(5), 399),
        ("debt_repayment", "O4", "L4", day(6), 1),
        ("redemption", "S", "L4", day(7), 1),
        ("redemption_debt", "S", None, day(7), 1),
    ]


def test_a_refund_within_the_balance_claws_back_200_and_books_a_shortfall_of_400() -> None:
    assert after_accruals(
        *SPENT, refund(4, "F", "O1", 600, "within_balance"), buy(5, "O3", 10)
    ) == [
        *SPENT_LINES,
        ("claw_back", "F", "L2", day(4), 200),
        ("shortfall", "F", None, day(4), 400),
    ]


def test_a_refund_takes_the_lot_of_its_own_order_first_though_another_expires_earlier() -> None:
    assert after_accruals(
        buy(1, "O1", 100),
        buy(2, "O2", 100, expires=date(2026, 6, 30)),
        refund(3, "F", "O1", 60),
        refund(4, "G", "O1", 40),
        spend(5, "R", 100),
    ) == [
        ("claw_back", "F", "L1", day(3), 60),
        ("claw_back", "G", "L1", day(4), 40),
        ("redemption", "R", "L2", day(5), 100),
    ]


def test_points_of_the_order_that_expired_are_not_clawed_back_again() -> None:
    """100 earned, 30 spent, 70 expired: of a full refund only the 30 enjoyed are owed."""
    assert after_accruals(
        buy(1, "O1", 100, expires=day(10)), spend(5, "R", 30), refund(12, "F", "O1", 100)
    ) == [
        ("redemption", "R", "L1", day(5), 30),
        ("expiry", "O1", "L1", day(10), 70),
        ("claw_back_debt", "F", None, day(12), 30),
    ]


def test_no_more_is_clawed_back_than_the_order_earned() -> None:
    assert after_accruals(
        buy(1, "O1", 100),
        buy(2, "O2", 500),
        refund(3, "F", "O1", 70),
        refund(4, "G", "O1", 70),
        refund(5, "H", "O1", 1),
    ) == [
        ("claw_back", "F", "L1", day(3), 70),
        ("claw_back", "G", "L1", day(4), 30),
    ]


def test_a_refund_of_an_unknown_order_is_a_shortfall() -> None:
    assert after_accruals(buy(1, "O1", 100), refund(2, "F", "O9", 70)) == [
        ("shortfall", "F", None, day(2), 70)
    ]


def test_a_refund_does_not_reach_the_order_of_another_member() -> None:
    other = replace(buy(1, "O1", 100), member_id="M0")
    stranger = refund(2, "F", "O1", 70)
    assert after_accruals(other, buy(1, "O2", 50), stranger) == [
        ("shortfall", "F", None, day(2), 70)
    ]


def test_an_order_whose_points_stood_in_for_another_order_is_not_clawed_back_twice() -> None:
    """O1's refund takes O2's points, as O1's are spent; then O1's come back and lapse.

    Earned 200, expired 100, clawed back 100: nothing is left to take for O2.
    """
    assert after_accruals(
        buy(1, "O1", 100, expires=day(10)),
        spend(2, "R", 100),
        buy(3, "O2", 100),
        refund(4, "F", "O1", 100),
        give_back(5, "B", "R", 100),
        refund(12, "G", "O2", 100),
    ) == [
        ("redemption", "R", "L1", day(2), 100),
        ("claw_back", "F", "L2", day(4), 100),
        ("restore", "B", "L1", day(5), 100),
        ("expiry", "O1", "L1", day(10), 100),
    ]


def test_a_shortfall_does_not_shield_a_later_order_from_its_own_refund() -> None:
    """O1's points were not there for its refund, came back and lapsed; those of O2 are there."""
    assert after_accruals(
        buy(1, "O1", 100, expires=day(10)),
        spend(2, "R", 100),
        refund(3, "F", "O1", 100, "within_balance"),
        give_back(4, "B", "R", 100),
        buy(12, "O2", 100),
        refund(13, "G", "O2", 100, "within_balance"),
    ) == [
        ("redemption", "R", "L1", day(2), 100),
        ("shortfall", "F", None, day(3), 100),
        ("restore", "B", "L1", day(4), 100),
        ("expiry", "O1", "L1", day(10), 100),
        ("claw_back", "G", "L2", day(13), 100),
    ]


def test_a_returned_redemption_refills_the_lots_that_paid_it_the_last_one_first() -> None:
    assert after_accruals(
        *SPENT, give_back(4, "B", "R", 150), give_back(5, "C", "R", 950), spend(6, "S", 1300)
    ) == [
        *SPENT_LINES,
        ("restore", "B", "L2", day(4), 100),
        ("restore", "B", "L1", day(4), 50),
        ("restore", "C", "L1", day(5), 950),
        ("redemption", "S", "L1", day(6), 1000),
        ("redemption", "S", "L2", day(6), 300),
    ]


@pytest.mark.parametrize(
    ("returned_on", "expired_on"), [(9, day(10)), (10, day(10)), (11, day(11)), (20, day(20))]
)
def test_points_that_return_after_their_last_day_expire_on_the_day_they_return(
    returned_on: int, expired_on: date
) -> None:
    assert after_accruals(
        buy(1, "O1", 10, expires=day(10)), spend(2, "R", 10), give_back(returned_on, "B", "R", 10)
    ) == [
        ("redemption", "R", "L1", day(2), 10),
        ("restore", "B", "L1", day(returned_on), 10),
        ("expiry", "O1", "L1", expired_on, 10),
    ]


def test_expired_points_that_return_cannot_be_spent_on_the_day_they_return() -> None:
    after = after_accruals(
        buy(1, "O1", 10, expires=day(10)),
        spend(2, "R", 10),
        give_back(11, "B", "R", 10),
        replace(spend(11, "S", 1), slot=1),
    )
    assert after[2:] == [
        ("expiry", "O1", "L1", day(11), 10),
        ("redemption_debt", "S", None, day(11), 1),
    ]


def test_what_was_not_redeemed_or_is_back_already_is_refused() -> None:
    assert after_accruals(
        buy(1, "O1", 10),
        spend(2, "R", 8),
        give_back(3, "B", "R", 9),
        give_back(4, "C", "R", 1),
        give_back(5, "D", "unknown", 2),
        give_back(6, "E", "O1", 3),
    ) == [
        ("redemption", "R", "L1", day(2), 8),
        ("restore_refused", "B", None, day(3), 1),
        ("restore", "B", "L1", day(3), 8),
        ("restore_refused", "C", None, day(4), 1),
        ("restore_refused", "D", None, day(5), 2),
        ("restore_refused", "E", None, day(6), 3),
    ]


def test_a_return_cancels_the_debt_of_its_own_redemption_before_it_refills_lots() -> None:
    assert after_accruals(
        buy(1, "O1", 10), spend(2, "R", 15), give_back(3, "B", "R", 7), spend(4, "S", 2)
    ) == [
        ("redemption", "R", "L1", day(2), 10),
        ("redemption_debt", "R", None, day(2), 5),
        ("restore_debt", "B", None, day(3), 5),
        ("restore", "B", "L1", day(3), 2),
        ("redemption", "S", "L1", day(4), 2),
    ]


def test_a_lot_that_repaid_a_redemption_gets_its_points_back_first() -> None:
    assert after_accruals(
        buy(1, "O1", 10), spend(2, "R", 15), buy(3, "O2", 5), give_back(4, "B", "R", 12)
    ) == [
        ("redemption", "R", "L1", day(2), 10),
        ("redemption_debt", "R", None, day(2), 5),
        ("debt_repayment", "O2", "L2", day(3), 5),
        ("restore", "B", "L2", day(4), 5),
        ("restore", "B", "L1", day(4), 7),
    ]


def test_a_lot_that_paid_a_redemption_twice_gets_one_entry_for_both_pieces() -> None:
    """L1 pays 10, gets 4 back from another return, and pays 4 more of the debt of R."""
    assert after_accruals(
        buy(1, "O1", 14),
        spend(2, "S", 4),
        spend(3, "R", 15),
        give_back(4, "B", "S", 4),
        give_back(5, "C", "R", 14),
    ) == [
        ("redemption", "S", "L1", day(2), 4),
        ("redemption", "R", "L1", day(3), 10),
        ("redemption_debt", "R", None, day(3), 5),
        ("restore", "B", "L1", day(4), 4),
        ("debt_repayment", "B", "L1", day(4), 4),
        ("restore_debt", "C", None, day(5), 1),
        ("restore", "C", "L1", day(5), 13),
    ]


def test_the_oldest_debt_is_repaid_first() -> None:
    after = after_accruals(
        spend(1, "R", 5), spend(2, "S", 5), buy(3, "O1", 7), buy(4, "O2", 7), until=4
    )
    assert after[2:] == [
        ("debt_repayment", "O1", "L1", day(3), 5),
        ("debt_repayment", "O1", "L1", day(3), 2),
        ("debt_repayment", "O2", "L2", day(4), 3),
    ]


@pytest.mark.parametrize("expires", [None, day(5)])
def test_returned_points_repay_debts_before_they_can_be_spent_or_lapse(
    expires: date | None,
) -> None:
    """The order is refunded after its points were spent, then the spending is undone."""
    assert after_accruals(
        buy(1, "O1", 10, expires),
        spend(2, "R", 10),
        refund(6, "F", "O1", 10),
        give_back(7, "B", "R", 10),
    ) == [
        ("redemption", "R", "L1", day(2), 10),
        ("claw_back_debt", "F", None, day(6), 10),
        ("restore", "B", "L1", day(7), 10),
        ("debt_repayment", "B", "L1", day(7), 10),
    ]


# Columns as in points_entries; a date is its day of the month, `-` is NULL.
TWO_BUSINESSES = """
accrual         pos P1 O1 L1 - - 1  mall  -     mall  1  20 - earn issuer:mall    member         100
redemption      pos P1 R  L1 - - 2  mall  hotel hotel 2  20 - earn member         redeemer:hotel 100
redemption_debt pms G1 R  -  - - 2  -     hotel hotel 2  -  - burn member_debt    redeemer:hotel 30
accrual         pms G1 O2 L2 - - 3  hotel -     hotel 3  25 - stay issuer:hotel   member         50
debt_repayment  pms G1 O2 L2 - R 3  hotel hotel -     3  25 - stay member         member_debt    30
restore         pms G1 B  L2 - - 4  hotel hotel hotel 2  25 - stay redeemer:hotel member         30
restore         pos P1 B  L1 - - 4  mall  hotel hotel 2  20 - earn redeemer:hotel member         10
claw_back       pos P1 F  L1 - - 5  mall  -     mall  1  20 - earn member         issuer:mall    10
claw_back       pms G1 F  L2 - - 5  hotel -     mall  1  25 - earn member         issuer:mall    50
redemption_debt pos P1 S  -  - - 6  -     mall  mall  6  -  - burn member_debt    redeemer:mall  8
restore_refused pms G1 C  -  - - 7  -     -     hotel 6  -  - burn memo:hotel     memo:hotel     1
restore_debt    pos P1 C  -  - - 7  -     mall  mall  6  -  - burn redeemer:mall  member_debt    8
shortfall       pms G1 X  -  - - 8  -     -     hotel 8  -  - lost memo:hotel     memo:hotel     5
accrual         pms G1 O3 L3 - - 9  hotel -     hotel 9  12 - stay issuer:hotel   member         7
redemption      pms G1 T  L3 - - 10 hotel mall  mall  10 12 - stay member         redeemer:mall  3
expiry          pms G1 O3 L3 - - 12 hotel -     hotel 9  12 - stay member         breakage:hotel 4
claw_back_debt  pms G1 G  -  - - 13 -     -     hotel 9  -  - stay member_debt    issuer:hotel   3
"""


def test_every_column_of_a_life_across_two_businesses() -> None:
    """Mall points spent at the hotel on credit, returned, clawed back; hotel points lapsed."""
    mall = {"source": "pos", "account_id": "P1", "business": "mall"}
    hotel = {"source": "pms", "account_id": "G1", "business": "hotel"}
    events = [
        replace(buy(1, "O1", 100, day(20)), rule_id="earn", price_date=day(1), **mall),
        replace(spend(2, "R", 130), rule_id="burn", price_date=day(2), **hotel),
        replace(buy(3, "O2", 50, day(25)), rule_id="stay", price_date=day(3), **hotel),
        replace(give_back(4, "B", "R", 40), rule_id="burn", price_date=day(2), **hotel),
        replace(refund(5, "F", "O1", 60), rule_id="earn", price_date=day(1), **mall),
        replace(spend(6, "S", 8), rule_id="burn", price_date=day(6), **mall),
        replace(give_back(7, "C", "S", 9), rule_id="burn", price_date=day(6), **hotel),
        replace(refund(8, "X", "O9", 5), rule_id="lost", price_date=day(8), **hotel),
        replace(buy(9, "O3", 7, day(12)), rule_id="stay", price_date=day(9), **hotel),
        replace(spend(10, "T", 3), rule_id="burn", price_date=day(10), **mall),
        replace(refund(13, "G", "O3", 7), rule_id="stay", price_date=day(9), **hotel),
    ]

    def shown(value: object) -> str:
        return "-" if value is None else str(value.day if isinstance(value, date) else value)

    rows = [[shown(value) for value in vars(row).values()] for row in folded_rows(events, day(25))]
    assert rows == [line.split() for line in TWO_BUSINESSES.strip().splitlines()]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (replace(buy(1, "O1", 1), points=0), "an event of less than 1 point: activity O1"),
        (replace(buy(1, "O1", 1), lot_id=None), "an accrual without lot_id: activity O1"),
        (refund(1, "F", "O1", 1, "never"), "refund_policy 'never' is unknown"),
    ],
)
def test_an_event_that_breaks_the_contract_is_a_problem_that_names_it(
    event: Event, message: str
) -> None:
    with pytest.raises(Problem, match=message):
        points_entries(ruled_table([event]), day(31))
