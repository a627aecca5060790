"""Identifying keys alone: what a system without a model would join.

Two records that share the facts of one rule are the same person. It is what the model starts from,
and what it is compared with.
"""

import numpy as np

from identity_resolution.records.blocking import Fact, Ints, block_pairs, joined_fact, text_fact
from identity_resolution.records.table import Records

MOST_HOLDERS = 30  # records that may share the facts of a rule

# Facts that two records of one person share and two persons hardly ever do.
IDENTIFYING = (
    ("document",),
    ("email",),
    ("given_name", "surname", "birth_date"),
    ("full_name", "birth_date"),
    ("full_name", "phone"),
    ("given_name", "surname", "phone"),
    ("given_name", "surname", "address", "postcode"),
    ("full_name", "address"),
)


def identified_pairs(records: Records) -> tuple[Ints, Ints]:
    """The rows of each pair that shares the facts of a rule, the smaller first, in their order."""
    count = len(records)
    facts = {name: text_fact(values) for name, values in records.values.items()}
    found = [np.zeros(0, dtype=np.int64)]
    for rule in IDENTIFYING:
        if set(rule) <= set(facts):
            key: Fact = facts[rule[0]]
            for name in rule[1:]:
                key = joined_fact(key, facts[name])
            found.append(block_pairs(key, count, MOST_HOLDERS))
    pairs = np.unique(np.concatenate(found))
    return pairs // max(count, 1), pairs % max(count, 1)
