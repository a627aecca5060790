"""Refunds a second time, slowly: fractions instead of whole numbers, a fen handed out at a time."""

from collections.abc import Sequence
from fractions import Fraction

from ledger.refunds import Leg, Refund


def shares_one_by_one(total: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder, each fen given to whoever lacks most to its exact share."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    shares = [int(each) for each in exact]
    while sum(shares) < total:
        lacking = [each - share for each, share in zip(exact, shares, strict=True)]
        shares[lacking.index(max(lacking))] += 1
    return shares


def left_after(legs: Sequence[Leg], refunds: Sequence[Refund]) -> list[int]:
    """What is left of each leg after refunds of everything that came back and was given back, of
    orders with one merchant.
    """
    left = [leg.amount_fen for leg in legs]
    for refund in refunds:
        before = list(left)
        for component, fen in refund.given_back.items():
            own = [place for place, leg in enumerate(legs) if leg.component == component]
            room = [left[place] for place in own]
            for place, back in zip(own, shares_one_by_one(min(fen, sum(room)), room), strict=True):
                left[place] -= back
        for place, leg in enumerate(legs):
            if leg.is_charge:
                of = [
                    other
                    for other, part in enumerate(legs)
                    if not part.is_charge
                    and (
                        part.component == "money"
                        if leg.component == "channel_fee"
                        else part.is_in_base
                    )
                ]
                if not sum(before[other] for other in of):
                    of = [other for other, part in enumerate(legs) if not part.is_charge]
                was, now = sum(before[other] for other in of), sum(left[other] for other in of)
                left[place] -= shares_one_by_one(left[place], [was - now, now])[0]
    return left
