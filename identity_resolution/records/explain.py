"""Why two records are in one cluster: the bits of each column, or the path that joins them."""

import itertools
from collections import deque

import numpy as np
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from identity_resolution.records.blocking import Ints
from identity_resolution.records.matching import LARGEST_TAUGHT, Matching, inside_pairs
from identity_resolution.records.table import Records

PRIOR = "(before any column)"
OTHER = "(household or twins instead)"
WEAKEST = "(weakest link of the path)"
COLUMNS = pa.schema(
    [
        ("record_id_1", pa.string()),
        ("record_id_2", pa.string()),
        ("path", pa.string()),
        ("evidence", pa.string()),
        ("bits", pa.float64()),
    ]
)


def explanations(records: Records, matching: Matching) -> pa.Table:
    """Rows for each pair inside a cluster of at most LARGEST_TAUGHT records.

    A pair that is a match by itself has a row for each column, one for what holds before any column
    is read, and one for what a household or twins take away; they add up to its match weight. Its
    path is empty. Any other pair has one row: its path over the strongest links of the cluster, and
    the weight of the weakest of them.
    """
    low, high = inside_pairs(matching.cluster, LARGEST_TAUGHT)
    place = _places(matching, low, high, len(records))
    is_direct = place >= 0
    is_direct[is_direct] = matching.weight[place[is_direct]] > 0
    direct = _direct(records, matching, place[is_direct])
    joined = _through(records, matching, low[~is_direct], high[~is_direct])
    return pa.concat_tables([direct, joined])


def _places(matching: Matching, low: Ints, high: Ints, count: int) -> Ints:
    """Where each pair stands among the scored ones; -1 where nobody compared it."""
    scored = matching.scores.low * count + matching.scores.high
    wanted = low * count + high
    if not len(scored):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(scored, wanted), len(scored) - 1)
    return np.where(scored[place] == wanted, place, -1)


def _direct(records: Records, matching: Matching, place: Ints) -> pa.Table:
    ids = np.array(records.ids, dtype=object)
    names = [PRIOR, *(field.source for field in records.fields), OTHER]
    bits = np.column_stack(
        [
            np.full(len(place), matching.weighed.match),
            matching.scores.parts[place],
            -matching.weighed.other[place],
        ]
    )
    width = len(names)
    return pa.table(
        [
            pa.array(np.repeat(ids[matching.scores.low[place]], width), pa.string()),
            pa.array(np.repeat(ids[matching.scores.high[place]], width), pa.string()),
            pa.nulls(len(place) * width, pa.string()),
            pa.array(names * len(place), pa.string()),
            pa.array(np.round(bits, 4).ravel(), pa.float64()),
        ],
        schema=COLUMNS,
    )


def _through(records: Records, matching: Matching, low: Ints, high: Ints) -> pa.Table:
    links = _strongest_links(records, matching)
    rows = []
    for one, other in zip(low.tolist(), high.tolist(), strict=True):
        path, weakest = _path(links, one, other)
        text = " > ".join(records.ids[row] for row in path)
        rows.append((records.ids[one], records.ids[other], text, WEAKEST, round(weakest, 4)))
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, COLUMNS, strict=True)],
        schema=COLUMNS,
    )


def _strongest_links(records: Records, matching: Matching) -> dict[int, dict[int, float]]:
    """The links that hold each cluster together: its maximum spanning tree."""
    scores, weight = matching.scores, matching.weight
    is_inside = matching.cluster[scores.low] == matching.cluster[scores.high]
    # The tree is the smallest, so what is strong has to be small, and nothing may be zero.
    cost = 1 + weight.max(initial=0) - weight[is_inside]
    ends = (scores.low[is_inside], scores.high[is_inside])
    tree = minimum_spanning_tree(coo_array((cost, ends), shape=(len(records),) * 2)).tocoo()
    links: dict[int, dict[int, float]] = {}
    bits = 1 + weight.max(initial=0) - tree.data
    for one, other, value in zip(tree.row.tolist(), tree.col.tolist(), bits.tolist(), strict=True):
        links.setdefault(one, {})[other] = value
        links.setdefault(other, {})[one] = value
    return links


def _path(links: dict[int, dict[int, float]], start: int, end: int) -> tuple[list[int], float]:
    """The records from one end to the other, and the bits of the weakest link between them."""
    came_from = {start: start}
    queue = deque([start])
    while queue and end not in came_from:
        row = queue.popleft()
        for neighbour in links.get(row, {}):
            if neighbour not in came_from:
                came_from[neighbour] = row
                queue.append(neighbour)
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1], min(links[a][b] for a, b in itertools.pairwise(path))
