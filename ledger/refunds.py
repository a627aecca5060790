"""Refunds of one order: what each takes back of the order's legs (RULES §8, §10).

Every refund is shared over what is left of the legs, in order of time, so that any number of
partial refunds takes back exactly what the order gave, to the fen, and never more. A pure function:
amounts in fen in, amounts in fen out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm

MONEY, COMMISSION, CHANNEL_FEE = "money", "commission", "channel_fee"


@dataclass(frozen=True)
class Leg:
    """What a merchant got of one component of an order (money, points, a voucher) from one party,
    or a charge that it paid. `is_in_base`: whether the commission is of it.
    """

    merchant_id: str
    merchant_party: str
    component: str
    funder_party: str
    rule_id: str
    amount_fen: int
    is_in_base: bool

    @property
    def is_charge(self) -> bool:
        """Whether the merchant paid it."""
        return self.component in (COMMISSION, CHANNEL_FEE)


@dataclass(frozen=True)
class Refund:
    """What came back of each merchant's goods, and what was given back of each component, in fen;
    both in a fixed order.
    """

    activity_id: str
    returned: Mapping[str, int]
    given_back: Mapping[str, int]


@dataclass(frozen=True)
class Taken:
    """What a refund takes back of a leg; of no leg, what the order has none left of."""

    activity_id: str
    component: str
    leg: Leg | None
    amount_fen: int


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Whole shares of a total by weight, all together the total and none of the other sign; what
    whole parts, rounded down, leave goes to the largest remainders, ties to the earlier share. No
    weight, no share.
    """
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(
        range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place)
    )
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def fold_refunds(legs: Sequence[Leg], refunds: Sequence[Refund]) -> list[Taken]:
    """What each refund takes back, refund by refund in the order given.

    A component that is given back comes from its own legs: of the merchants whose goods came back,
    by the part of their goods that did; where that is not enough, of what is left of the others.
    A charge goes back as the amount that it was made of.
    """
    parts = [leg for leg in legs if not leg.is_charge]
    charges = [leg for leg in legs if leg.is_charge]
    taken: list[Taken] = []
    for refund in refunds:
        before = parts
        parts = []
        scale = _scale(before, refund.returned)
        backs = _backs(before, refund, scale)
        for leg, back in zip(before, backs, strict=True):
            taken += [Taken(refund.activity_id, leg.component, leg, back)] if back else []
            parts.append(replace(leg, amount_fen=leg.amount_fen - back))
        taken += _beyond(before, refund)
        charges, back_charges = _charges(charges, before, parts, refund.activity_id)
        taken += back_charges
    return taken


def _scale(legs: Sequence[Leg], returned: Mapping[str, int]) -> dict[str, int]:
    """For each merchant the part of its goods left that came back, all over one denominator."""
    left: dict[str, int] = {}
    for leg in legs:
        left[leg.merchant_id] = left.get(leg.merchant_id, 0) + leg.amount_fen
    back = {
        merchant: min(max(fen, 0), left[merchant])
        for merchant, fen in returned.items()
        if left.get(merchant, 0) > 0
    }
    common = lcm(*(left[merchant] for merchant in back))
    return {merchant: fen * (common // left[merchant]) for merchant, fen in back.items()}


def _backs(legs: Sequence[Leg], refund: Refund, scale: Mapping[str, int]) -> list[int]:
    """What goes back of each leg."""
    backs = [0] * len(legs)
    for component, fen in refund.given_back.items():
        places = [place for place, leg in enumerate(legs) if leg.component == component]
        left = [legs[place].amount_fen for place in places]
        wanted = [
            amount * scale.get(legs[place].merchant_id, 0)
            for place, amount in zip(places, left, strict=True)
        ]
        for place, back in zip(places, _within(fen, wanted, left), strict=True):
            backs[place] = back
    return backs


def _within(total: int, wanted: Sequence[int], left: Sequence[int]) -> list[int]:
    """A total by what is wanted of each, none beyond what is left of it: the rest by what is left
    of those of which something is wanted, then of all.
    """
    total = min(total, sum(left))
    shares = [
        min(share, most) for share, most in zip(largest_remainder(total, wanted), left, strict=True)
    ]
    of_wanted = [most if want else 0 for most, want in zip(left, wanted, strict=True)]
    for most in (of_wanted, left):
        room = [max(each - share, 0) for each, share in zip(most, shares, strict=True)]
        rest = min(total - sum(shares), sum(room))
        more = largest_remainder(rest, room)
        shares = [share + extra for share, extra in zip(shares, more, strict=True)]
    return shares


def _beyond(legs: Sequence[Leg], refund: Refund) -> list[Taken]:
    """What was given back beyond what the order has left."""
    return [
        Taken(refund.activity_id, component, None, beyond)
        for component, fen in refund.given_back.items()
        if (beyond := fen - sum(leg.amount_fen for leg in legs if leg.component == component)) > 0
    ]


def _charges(
    charges: Sequence[Leg], before: Sequence[Leg], after: Sequence[Leg], activity_id: str
) -> tuple[list[Leg], list[Taken]]:
    """The charges that are left, and what goes back of them."""
    left, taken = [], []
    for charge in charges:
        base, rest = _bases(charge, before, after)
        back = largest_remainder(charge.amount_fen, [base - rest, rest])[0]
        left.append(replace(charge, amount_fen=charge.amount_fen - back))
        taken += [Taken(activity_id, charge.component, charge, back)] if back else []
    return left, taken


def _bases(charge: Leg, before: Sequence[Leg], after: Sequence[Leg]) -> tuple[int, int]:
    """What there was before and after a refund of what a charge is made of: money for the channel's
    fee, the base of the commission. What is left of a charge that has no base never had one: a
    fixed fee goes back with all that its merchant got, or, if that is nothing, with the order.
    """
    of_merchant = [leg.merchant_id == charge.merchant_id for leg in before]
    in_base = [
        leg.component == MONEY if charge.component == CHANNEL_FEE else leg.is_in_base
        for leg in before
    ]
    own = [mine and based for mine, based in zip(of_merchant, in_base, strict=True)]
    for chosen in (own, of_merchant, [True] * len(before)):
        base, rest = (
            sum(leg.amount_fen for leg, is_of in zip(legs, chosen, strict=True) if is_of)
            for legs in (before, after)
        )
        if base:
            return base, rest
    return 0, 0
