"""Connected components of the evidence by SQL: edges are contracted until none is left.

In each round every account points to the smallest of its neighbours and itself, pointers are
followed to their roots, and the edges between roots are contracted in the next round. No two roots
are neighbours, so at least half of what has edges is gone after each (contraction as in Bögeholz,
Brand and Todor, "In-database connected component analysis", ICDE 2020, with the smallest neighbour
in place of a random one). Members never cross a component, so components can be resolved apart.
"""

from identity_resolution.engine import Engine

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


def find_components(engine: Engine) -> None:
    """Give each account of `edges` (low, high) its component; leaves `components` (account,
    component: its smallest account), without accounts that have no edge.
    """
    ends = "select low as account from edges union select high as account from edges"
    engine.table("components_0", f"select account, account as component from ({ends}) as ends")
    edges, number = "edges", 0
    while _count(engine, f"select count(*) from {edges}"):
        labels = _roots(engine, edges, number)
        contracted = f"edges_{number + 1}"
        engine.table(contracted, CONTRACTED.format(edges=edges, labels=labels))
        grown = COMPONENTS.format(components=f"components_{number}", labels=labels)
        engine.table(f"components_{number + 1}", grown)
        edges, number = contracted, number + 1
    engine.table("components", f"select account, component from components_{number}")


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
