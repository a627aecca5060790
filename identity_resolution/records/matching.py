"""From cleaned records to clusters: the whole method, the same for every table.

Candidate pairs by many keys, a model learnt without labels, weights against household and chance,
average linkage, a cut that the data chooses. Then the model learns anew from its own clusters, and
all is done again, ROUNDS times in all.
"""

from dataclasses import dataclass

import numpy as np

from identity_resolution.records.alternatives import Weighed, weigh
from identity_resolution.records.blocking import Fact, Ints, block_pairs, candidate_pairs
from identity_resolution.records.keys import identified_pairs
from identity_resolution.records.linkage import (
    USUAL_CUT,
    Cut,
    average_linkage,
    best_cut,
    cut_tree,
)
from identity_resolution.records.model import Floats, Model, Scores
from identity_resolution.records.table import Records

ROUNDS = 4
POSSIBLE_BITS = -15.0  # pairs below this are not looked at again
LARGEST_TAUGHT = 60  # records of a cluster that the model learns from


@dataclass(frozen=True)
class Matching:
    """What came out. cluster: for each row the smallest row of its cluster."""

    cluster: Ints
    scores: Scores
    weighed: Weighed
    cut: Cut
    candidate_count: int

    @property
    def weight(self) -> Floats:
        """The weight of each pair in bits."""
        return self.weighed.weight


def match_records(records: Records, engine: str = "duckdb") -> Matching:
    """Cluster the records of a table."""
    count = len(records)
    low, high = candidate_pairs(records)
    candidate_count = len(low)
    if not records.fields or not candidate_count:
        nothing = Scores(low, high, np.zeros((len(low), len(records.fields))), 0.0)
        return Matching(np.arange(count), nothing, _nothing(len(low)), Cut(0.0, 1.0), 0)
    model = Model(records, engine, len(identified_pairs(records)[0]))
    for number in range(ROUNDS):
        scores = model.score(low, high)
        weighed = weigh(records, scores)
        tree = average_linkage(count, scores.low, scores.high, weighed.weight)
        cut = best_cut(tree, weighed.match_count)
        cluster = cut_tree(count, tree, cut.threshold)
        if number + 1 < ROUNDS:
            is_possible = weighed.weight > POSSIBLE_BITS
            linked_low, linked_high = inside_pairs(
                cut_tree(count, tree, max(cut.threshold, USUAL_CUT))
            )
            model.learn_from(linked_low, linked_high)
            pairs = np.unique(
                np.concatenate(
                    [
                        scores.low[is_possible] * count + scores.high[is_possible],
                        linked_low * count + linked_high,
                    ]
                )
            )
            low, high = pairs // count, pairs % count
            if not len(low):
                break
    return Matching(cluster, scores, weighed, cut, candidate_count)


def inside_pairs(cluster: Ints, largest: int = LARGEST_TAUGHT) -> tuple[Ints, Ints]:
    """All pairs of rows in one cluster, but for clusters that are too large."""
    count = len(cluster)
    pairs = np.sort(block_pairs(Fact(np.arange(count), cluster), count, largest))
    return pairs // max(count, 1), pairs % max(count, 1)


def _nothing(count: int) -> Weighed:
    return Weighed(np.zeros(count), np.zeros(count), 0.0, 0.0, 0.0)
