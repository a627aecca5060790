"""Connected components of edges: by union-find in this process, or by SQL where there are many.

The SQL contracts edges until none is left. In each round every account points to the smallest of
its neighbours and itself, pointers are followed to their roots, and the edges between roots are
contracted in the next round. No two roots are neighbours, so at least half of what has edges is
gone after each (contraction as in Bögeholz, Brand and Todor, "In-database connected component
analysis", ICDE 2020, with the smallest neighbour in place of a random one). Members never cross a
component, so components can be resolved apart.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from identity_resolution.engine import Engine

Int32 = npt.NDArray[np.int32]
COMPONENT_COLUMNS = pa.schema([("account", pa.int32()), ("component", pa.int32())])

NEIGHBOURS = """
select low as account, high as neighbour from {edges}
union
select high as account, low as neighbour from {edges}
"""

POINTERS = """
select account, least(account, min(neighbour)) as label
from neighbours
group by account
"""

FOLLOWED = """
select l.account, n.label
from {labels} l
join {labels} n on n.account = l.label
"""

MOVED = """
select count(*) as moved_count
from {labels} l
join {followed} f on f.account = l.account
where f.label <> l.label
"""

CONTRACTED = """
select distinct least(a.label, b.label) as low, greatest(a.label, b.label) as high
from {edges} e
join {labels} a on a.account = e.low
join {labels} b on b.account = e.high
where a.label <> b.label
"""

# What earlier rounds found goes on to the root of this one.
COMPONENTS = """
select c.account, coalesce(n.label, c.component) as component
from {components} c
left join {labels} n on n.account = c.component
"""


# A component is called after its oldest account; an account that shares nothing is one of its own.
COMPONENT_NAMES = """
select a.account, r.source || '|' || r.account_id as component
from accounts a
left join components c on c.account = a.account
join accounts r on r.account = coalesce(c.component, a.account)
"""


def name_components(engine: Engine) -> None:
    """Leave `component_names` (account, component) for all of `accounts`, from `components`."""
    engine.table("component_names", COMPONENT_NAMES)


def find_components(engine: Engine, edges: str, name: str) -> None:
    """Give each account of a table of edges (low, high) its component; leaves a table (account,
    component: its smallest account), without accounts that have no edge.
    """
    if engine.has_blocks:
        _contract(engine, edges, name)
        return
    rows = engine.rows(f"select low, high from {edges}")
    account, component = components_of(*(rows[end].to_numpy() for end in ("low", "high")))
    engine.load(name, pa.table([account, component], schema=COMPONENT_COLUMNS))


@njit(cache=True)
def components_of(low: Int32, high: Int32) -> tuple[Int32, Int32]:
    """Accounts with an edge, ascending, and the smallest account of the component of each.

    Union-find with splicing (M. Rem; measured by Patwary, Blair and Manne, "Experiments on
    union-find algorithms for the disjoint-set data structure", SEA 2010): both ends climb in turn,
    and what is passed is hung higher on the way.
    """
    count = 0
    for end in high:
        count = max(count, end + 1)
    parent = np.full(count, -1, np.int32)  # less than none: has no edge yet
    for edge in range(len(low)):
        one, other = np.uint32(low[edge]), np.uint32(high[edge])  # no sign to be asked about
        above_one, above_other = parent[one], parent[other]
        if above_one < 0:
            above_one = parent[one] = low[edge]
        if above_other < 0:
            above_other = parent[other] = high[edge]
        # Both parents are kept at hand: memory is what this waits for.
        while above_one != above_other:
            if above_one > above_other:
                one, other = other, one
                above_one, above_other = above_other, above_one
            parent[other] = above_one
            if other == np.uint32(above_other):
                break
            other = np.uint32(above_other)
            above_other = parent[other]
    accounts, components = np.empty(count, np.int32), np.empty(count, np.int32)
    found = 0
    # A parent is never larger, so whoever comes first has found its root.
    for account in range(count):
        if parent[account] >= 0:
            root = parent[parent[account]]
            parent[account] = root
            accounts[found], components[found] = account, root
            found += 1
    return accounts[:found], components[:found]


@njit(cache=True)
def find_root(parent: Int32, account: int) -> int:
    """The root of an account; halves the path on its way."""
    while parent[account] != account:
        parent[account] = parent[parent[account]]
        account = parent[account]
    return account


def _contract(engine: Engine, edges: str, name: str) -> None:
    ends = f"select low as account from {edges} union select high as account from {edges}"
    engine.table("components_0", f"select account, account as component from ({ends}) as ends")
    left, number = edges, 0
    while _count(engine, f"select count(*) from {left}"):
        labels = _roots(engine, left, number)
        contracted = f"edges_{number + 1}"
        engine.table(contracted, CONTRACTED.format(edges=left, labels=labels))
        grown = COMPONENTS.format(components=f"components_{number}", labels=labels)
        engine.table(f"components_{number + 1}", grown)
        left, number = contracted, number + 1
    engine.table(name, f"select account, component from components_{number}")


def _roots(engine: Engine, edges: str, number: int) -> str:
    """Name of a table (account, label): the root that each account with an edge points to."""
    engine.table("neighbours", NEIGHBOURS.format(edges=edges))
    labels, step = f"labels_{number}_0", 0
    engine.table(labels, POINTERS)
    while True:
        step += 1
        followed = f"labels_{number}_{step}"
        engine.table(followed, FOLLOWED.format(labels=labels))
        if not _count(engine, MOVED.format(labels=labels, followed=followed)):
            return labels
        labels = followed


def _count(engine: Engine, query: str) -> int:
    return int(engine.rows(query).column(0)[0].as_py())
