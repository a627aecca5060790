"""The table of all parties: a merchant's month is its own to read, and all of it sums to 0."""

from dataclasses import replace
from datetime import date

from exports.statements.balances import balances_of_all
from exports.statements.figures import NO_LINES, Balance, MonthFigures, Party, PartyFigures
from exports.statements.liability import Liability


def month_of(*parties: tuple[str, str, int, int]) -> MonthFigures:
    """A month of parties (name, kind, receivable, payable in fen) that open with nothing."""
    figures = tuple(
        PartyFigures(
            party=Party(name, f"{name} 公司", kind),
            counterparties=(),
            balance=Balance(name, 0, receivable, payable, 0, receivable - payable),
            summary=(),
            lines=NO_LINES,
        )
        for name, kind, receivable, payable in parties
    )
    nothing = Liability((), (), (), {})
    return MonthFigures(date(2026, 10, 1), figures, {}, nothing, (), {}, {})


MONTH = month_of(
    ("mall", "business", 70, 1000),
    ("fund", "fund", 0, 0),
    ("mall/S1", "merchant", 600, 50),
    ("mall/S2", "merchant", 400, 20),
)


def test_merchants_stand_in_one_row_and_everybody_together_makes_nothing() -> None:
    rows = balances_of_all(MONTH)
    assert [(row["party"], row["net_fen"]) for row in rows] == [
        ("mall", -930),
        ("fund", 0),
        ("merchants", 930),
    ]
    assert (rows[2]["party_name"], rows[2]["receivable_fen"], rows[2]["payable_fen"]) == (
        "商户（2 家合计）",
        1000,
        70,
    )


def test_a_month_without_merchants_has_no_row_for_them() -> None:
    rows = balances_of_all(replace(MONTH, parties=MONTH.parties[:2]))
    assert [row["party"] for row in rows] == ["mall", "fund"]
