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
    LOWEST_CUT,
    MOST_BITS,
    USUAL_CUT,
    Cut,
    Tree,
    average_linkage,
    best_cut,
    components,
    cut_tree,
)
from identity_resolution.records.model import Floats, Model, Scores
from identity_resolution.records.table import Records

ROUNDS = 4
POSSIBLE_BITS = -15.0  # pairs below this are not looked at again
RARE_SHARE = 0.2  # share of the records that have a duplicate, under which duplicates are rare
SURE_CUT, OPEN_CUT = 1.0, -1.0  # where clusters to learn from are cut, in bits
LARGEST_TAUGHT = 60  # records of a cluster that the model learns from


@dataclass(frozen=True)
class Matching:
    """What came out. cluster: for each row the smallest row of its cluster."""

    cluster: Ints
    scores: Scores
    weighed: Weighed
    tree: Tree
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
        return _unlinked(count, low, high, len(records.fields))
    model = Model(records, engine, len(identified_pairs(records)[0]))
    matching = _once(records, model, low, high, candidate_count)
    for _ in range(1, ROUNDS):
        threshold = _learning_cut(matching)
        linked_low, linked_high = inside_pairs(cut_tree(count, matching.tree, threshold))
        model.learn_from(linked_low, linked_high)
        pairs = _pairs_to_score(count, matching)
        if not len(pairs):
            break
        low, high = pairs // count, pairs % count
        matching = _once(records, model, low, high, candidate_count)
    return matching


def _learning_cut(matching: Matching) -> float:
    """Where clusters to learn from are cut: where duplicates are rare, only sure ones may teach,
    for the false ones would be many among them.
    """
    return SURE_CUT if are_rare(matching.cluster) else OPEN_CUT


def are_rare(cluster: Ints) -> bool:
    """Whether few of the records have a duplicate."""
    sizes = np.unique(cluster, return_counts=True)[1]
    return bool(sizes[sizes > 1].sum() < RARE_SHARE * len(cluster))


def _pairs_to_score(count: int, matching: Matching) -> Ints:
    """The pairs that are possible, and those that likely pairs connect though no key made them."""
    possible = matching.scores.only(matching.weight > POSSIBLE_BITS)
    likely = matching.scores.only(matching.weight > 0)
    low, high = inside_pairs(components(count, likely.low, likely.high))
    found = possible.low * count + possible.high, low * count + high
    return np.unique(np.concatenate(found))


def _once(records: Records, model: Model, low: Ints, high: Ints, candidate_count: int) -> Matching:
    """Score, weigh, link and cut with the model as it is."""
    count = len(records)
    scores = model.score(low, high)
    weighed = weigh(records, scores)
    tree = average_linkage(count, scores.low, scores.high, weighed.weight)
    # Where duplicates are rare, a doubtful pair is mostly none.
    is_rare = are_rare(cut_tree(count, tree, USUAL_CUT))
    cut = best_cut(tree, weighed.match_count, USUAL_CUT if is_rare else LOWEST_CUT)
    cluster = cut_tree(count, tree, cut.threshold)
    return Matching(cluster, scores, weighed, tree, cut, candidate_count)


def inside_pairs(cluster: Ints, largest: int = LARGEST_TAUGHT) -> tuple[Ints, Ints]:
    """All pairs of rows in one cluster, but for clusters that are too large."""
    count = len(cluster)
    pairs = np.sort(block_pairs(Fact(np.arange(count), cluster), count, largest))
    return pairs // max(count, 1), pairs % max(count, 1)


def _unlinked(count: int, low: Ints, high: Ints, field_count: int) -> Matching:
    """Everybody alone: the columns say the same of all, or no two records share anything."""
    nothing = np.zeros(len(low))
    return Matching(
        np.arange(count),
        Scores(low, high, np.zeros((len(low), field_count)), 0.0),
        Weighed(nothing - MOST_BITS, nothing + MOST_BITS, 0.0, 0.0, 0.0),
        average_linkage(count, low[:0], high[:0], nothing[:0]),
        Cut(USUAL_CUT, 1.0),
        0,
    )
