"""What else than one person a pair can be: chance, one household, or twins.

Two records of one household share surname, address and phone and still are two people. A model of
two classes, person and chance, calls them a match. So a pair is weighed against the alternatives:
in a household the fields a household shares agree as they do for one person, and the personal ones
by chance; of twins the birth date agrees besides. How common each is follows from the pairs
themselves, by expectation maximisation. In a table without households nothing is held against
anybody.
"""

from dataclasses import dataclass

import numpy as np

from identity_resolution.records.model import Floats, Scores
from identity_resolution.records.table import Records

# What nobody in the same house shares but by chance.
PERSONAL = {
    *("given_name", "full_name", "middle_name", "birth_date", "birth_year", "document", "email"),
    *("gender", "number"),
}
ROUNDS = 40
HOPELESS_BITS = -20.0  # pairs below this under every class count for nothing in any


@dataclass(frozen=True)
class Weighed:
    """weight: bits for one person against all else. match: the prior's bits. other: the bits that
    households and twins take away; weight = match + the fields' bits - other.

    match_count: how many pairs of one person there are by this account, household_count: pairs of
    one household that are two people.
    """

    weight: Floats
    other: Floats
    match: float
    match_count: float
    household_count: float


def weigh(records: Records, scores: Scores) -> Weighed:
    """Weigh each pair against what else it can be."""
    bits = _bits(records, scores.parts)
    pair_count = max(len(records) * (len(records) - 1) / 2, 1)
    share = np.append(np.full(bits.shape[1] - 1, scores.prior), 0.0)
    looked_at = bits[(bits[:, :-1] + scores.prior).max(axis=1) > HOPELESS_BITS]
    for _ in range(ROUNDS):
        odds = looked_at + share
        likely = np.exp2(odds - np.logaddexp2.reduce(odds, axis=1, keepdims=True))
        share = np.log2((likely.sum(axis=0) + 1) / pair_count)
        share[-1] = 0.0
    other = np.logaddexp2.reduce((bits + share)[:, 1:], axis=1)
    counts = np.exp2(share) * pair_count - 1
    return Weighed(
        bits[:, 0] + share[0] - other,
        other,
        float(share[0]),
        float(counts[0]),
        float(counts[1:-1].sum()),
    )


def _bits(records: Records, parts: Floats) -> Floats:
    """Bits of each pair under each class: one person, household and twins where the fields can tell
    them, chance.
    """
    is_personal = np.array([field.kind in PERSONAL for field in records.fields])
    is_date = np.array([field.kind == "birth_date" for field in records.fields])
    classes = [np.ones(len(is_personal), dtype=bool)]
    if is_personal.any() and not is_personal.all():
        classes.append(~is_personal)
        if is_date.any() and (is_personal & ~is_date).any():
            classes.append(~is_personal | is_date)
    classes.append(np.zeros(len(is_personal), dtype=bool))
    return np.stack([parts[:, chosen].sum(axis=1) for chosen in classes], axis=1)
