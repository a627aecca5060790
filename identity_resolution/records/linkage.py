"""Clusters by average linkage: two groups become one where their records agree on the whole.

One false pair that joins two families is outvoted by all the others. A pair says at most MOST_BITS
for or against; pairs that nobody compared say as much against.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from identity_resolution.records.blocking import Ints
from identity_resolution.records.model import Floats

MOST_BITS = 10.0
LARGEST = 1500  # records compared each with each
# Where the expected F1 may put the cut, in bits of the mean pair, and where it is without evidence.
LOWEST_CUT, USUAL_CUT, HIGHEST_CUT = -2.0, 0.0, 4.0


@dataclass(frozen=True)
class Tree:
    """Merges, the closest first; `one` and `other` are a record of each side.

    height: the mean bits of the pairs that a merge joins; likely: how many of them are expected to
    be right; pairs: how many there are.
    """

    one: Ints
    other: Ints
    height: Floats
    likely: Floats
    pairs: Ints


@dataclass(frozen=True)
class Cut:
    """Where the tree is cut, in bits, and the F1 that the pairs' probabilities promise there."""

    threshold: float
    expected_f1: float


def components(count: int, low: Ints, high: Ints) -> Ints:
    """The smallest record that each record is connected with."""
    graph = coo_array((np.ones(len(low), dtype=np.int8), (low, high)), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    first = np.full(number, count, dtype=np.int64)
    np.minimum.at(first, label, np.arange(count))
    return np.asarray(first[label])


def average_linkage(count: int, low: Ints, high: Ints, weight: Floats) -> Tree:
    """Merge the closest two groups until nothing connects what is left."""
    closeness = np.clip(weight, -MOST_BITS, MOST_BITS) + MOST_BITS
    probability = 1 / (1 + np.exp2(-np.clip(weight, -60, 60)))
    # Two groups that are close enough on the mean have a pair that is.
    least = LOWEST_CUT
    parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), *[np.zeros(0)] * 2, np.zeros(0, int))]
    is_open = np.ones(len(low), dtype=bool)
    while is_open.any():
        is_link = is_open & (weight >= least)
        label = components(count, low[is_link], high[is_link])
        size = np.bincount(label, minlength=count)
        is_inside = is_open & (label[low] == label[high])
        is_ready = is_inside & (size[label[low]] <= LARGEST)
        chosen = np.flatnonzero(is_ready)
        chosen = chosen[np.argsort(label[low[chosen]], kind="stable")]
        if len(chosen):
            columns = (low[chosen], high[chosen], closeness[chosen], probability[chosen])
            parts.append(_merge_all(label[low[chosen]], *columns))
        # What is too large to compare is looked at again without its weakest links.
        is_open = is_inside & ~is_ready
        least += 2.0
    one, other, height, likely, pairs = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((other, one, -height))
    return Tree(one[order], other[order], height[order] - MOST_BITS, likely[order], pairs[order])


def best_cut(tree: Tree, total: float, lowest: float = LOWEST_CUT) -> Cut:
    """The cut with the highest expected F1, not under the lowest. total: how many pairs are
    expected to be right.
    """
    is_allowed = (tree.height >= lowest) & (tree.height <= HIGHEST_CUT)
    if not is_allowed.any():
        return Cut(USUAL_CUT, 1.0)
    f1 = 2 * np.cumsum(tree.likely) / (np.cumsum(tree.pairs) + total)
    best = int(np.argmax(np.where(is_allowed, f1, -1.0)))
    return Cut(float(tree.height[best]), float(f1[best]))


def cut_tree(count: int, tree: Tree, threshold: float) -> Ints:
    """The cluster of each record, named by its smallest record."""
    is_kept = tree.height >= threshold
    return components(count, tree.one[is_kept], tree.other[is_kept])


@njit(cache=True)
def _merge_all(
    label: Ints, low: Ints, high: Ints, closeness: Floats, probability: Floats
) -> tuple[Ints, Ints, Floats, Floats, Ints]:
    """The merges of all components; pairs of one component stand together."""
    most = 2 * len(label)
    rows = np.empty((2, most), dtype=np.int64)
    numbers = np.empty((2, most))
    pairs = np.empty(most, dtype=np.int64)
    merged = 0
    start = 0
    while start < len(label):
        end = start
        while end < len(label) and label[end] == label[start]:
            end += 1
        nodes = np.unique(np.concatenate((low[start:end], high[start:end])))
        near = np.zeros((2, len(nodes), len(nodes)))
        for pair in range(start, end):
            i, j = np.searchsorted(nodes, low[pair]), np.searchsorted(nodes, high[pair])
            near[0, i, j] = near[0, j, i] = closeness[pair]
            near[1, i, j] = near[1, j, i] = probability[pair]
        merged = _merge_one(nodes, near, rows, numbers, pairs, merged)
        start = end
    return (
        rows[0, :merged],
        rows[1, :merged],
        numbers[0, :merged],
        numbers[1, :merged],
        pairs[:merged],
    )


@njit(cache=True)
def _merge_one(
    nodes: Ints, near: Floats, rows: Ints, numbers: Floats, pairs: Ints, merged: int
) -> int:
    """Merge the nodes of a component; `near` holds sums of closeness and probability by pair of
    groups. Returns how many merges there are by now.
    """
    count = len(nodes)
    size = np.ones(count, dtype=np.int64)
    nearest = np.zeros(count, dtype=np.int64)
    best = np.full(count, -1.0)
    for i in range(count):
        _find_nearest(i, near[0], size, nearest, best)
    for _ in range(count - 1):
        i = int(np.argmax(best))
        if best[i] < MOST_BITS + LOWEST_CUT:
            break
        j = nearest[i]
        if j < i:
            i, j = j, i
        rows[0, merged], rows[1, merged] = nodes[i], nodes[j]
        pairs[merged] = size[i] * size[j]
        numbers[0, merged] = near[0, i, j] / pairs[merged]
        numbers[1, merged] = near[1, i, j]
        merged += 1
        near[:, i, :] += near[:, j, :]
        near[:, :, i] += near[:, :, j]
        size[i] += size[j]
        size[j] = 0
        best[j] = -1.0
        for k in range(count):
            if size[k] and (k == i or nearest[k] == i or nearest[k] == j):
                _find_nearest(k, near[0], size, nearest, best)
            elif size[k] and near[0, i, k] / (size[i] * size[k]) > best[k]:
                best[k] = near[0, i, k] / (size[i] * size[k])
                nearest[k] = i
    return merged


@njit(cache=True)
def _find_nearest(i: int, sums: Floats, size: Ints, nearest: Ints, best: Floats) -> None:
    """Find the group that is closest to group i on the mean."""
    best[i] = -1.0
    for k in range(len(size)):
        if size[k] and k != i:
            closeness = sums[i, k] / (size[i] * size[k])
            if closeness > best[i]:
                best[i] = closeness
                nearest[i] = k
