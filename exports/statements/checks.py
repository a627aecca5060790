"""What must hold before a statement is written; each failure is a Problem and nothing is written.

汇总 = 明细 = 余额 (I8), opening = previous closing (I5), all parties together 0 and each the sum
of what lies between it and others (I3), and the points liability rolls forward and is what the
ledger says (I5, I8).
"""

from exports.months import month_text
from exports.statements.figures import MonthFigures, PartyFigures
from exports.statements.liability import check_liability
from ingest.core.errors import Problem


def check_month(month: MonthFigures) -> None:
    """Problem unless every party foots and all parties together make 0."""
    name = month_text(month.period_month)
    for figures in month.parties:
        _check_party(figures, name)
        opening = figures.balance.opening_fen
        closing = month.previous_closing_fen.get(figures.party.party, 0)
        _require(
            opening == closing,
            f"{figures.party.party} opens {name} with {opening} fen but closed the month before "
            f"with {closing}",
        )
    for column in ("opening_fen", "net_fen", "payments_fen", "closing_fen"):
        total = sum(getattr(balance, column) for balance in month.balances)
        _require(total == 0, f"{column} of all parties for {name} sums to {total} fen, not 0")
    for figures in month.parties:
        _check_between(figures, name)
    for unit, stated in month.redeemed.items():
        total = sum(row[unit] for row in month.matrix)
        _require(
            total == stated,
            f"the matrix of issuers and redeemers for {name} makes {total} {unit}, but the lines "
            f"of redemptions {stated}",
        )
    check_liability(month.liability, name)


def _check_party(figures: PartyFigures, name: str) -> None:
    party, balance = figures.party.party, figures.balance
    for row in figures.summary:
        for column in ("line_count", "receivable_fen", "payable_fen", "net_fen", "net_tax_fen"):
            stated, summed = row[f"stated_{column}"], row[column]
            _require(
                stated == summed,
                f"{party} for {name}, {row['movement_type']}: {column} is {stated} in "
                f"fct_settlement_statements but {summed} in fct_settlement_lines",
            )
    for column in ("receivable_fen", "payable_fen"):
        stated, summed = getattr(balance, column), sum(row[column] for row in figures.summary)
        _require(
            stated == summed,
            f"{party} for {name}: {column} is {stated} in fct_settlement_balances but {summed} in "
            "its lines",
        )
    _require(
        balance.opening_fen + balance.net_fen + balance.payments_fen == balance.closing_fen,
        f"{party} for {name}: opening {balance.opening_fen}, net {balance.net_fen} and payments "
        f"{balance.payments_fen} fen do not give closing {balance.closing_fen}",
    )


def _check_between(figures: PartyFigures, name: str) -> None:
    """What lies between a party and each other, and each payment, makes its balance."""
    party, balance = figures.party.party, figures.balance
    for column in ("opening_fen", "net_fen", "payments_fen", "closing_fen"):
        stated, summed = getattr(balance, column), sum(row[column] for row in figures.between)
        _require(
            stated == summed,
            f"{party} for {name}: {column} is {stated} in fct_settlement_balances but {summed} in "
            "fct_counterparty_balances",
        )
    paid = sum(row["payments_fen"] for row in figures.payments)
    _require(
        balance.payments_fen == paid,
        f"{party} for {name}: payments_fen is {balance.payments_fen} in fct_settlement_balances "
        f"but {paid} in fct_settlement_payments",
    )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise Problem(f"{message}; no statement was written, build and publish the night again")
