"""Members as groups of accounts: union-find that takes the strongest links first and refuses what
cannot be.

Each group holds claims (its documents, its WeChat ids). A link that would give a group more of them
than the member limits allow is refused, and so is a link of an unnamed account that would make one
person of two groups whose names have nothing in common. Stronger links come first, so a conflict is
cut at its weakest ones. What people decided outranks all of it: a must-link joins whatever the
limits say, a cannot-link lets nothing join.
"""

from functools import partial
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from identity_resolution.components import Int32, find_root
from identity_resolution.engine import Engine
from identity_resolution.settings import IdentitySettings

Bool = npt.NDArray[np.bool_]

JOINED = 0
REFUSED_MEMBER_LIMIT = 1
REFUSED_NAMES_DISAGREE = 2
REFUSED_CANNOT_LINK = 3
MUST_LINK_RANK = 0

# What a row of a block is about, and of the answer.
EDGE, ACCOUNT, CLAIM, APART = range(4)
NUMBERS = ("one", "two", "three", "four", "five")
ANSWER = pa.schema([(name, pa.int32()) for name in ("kind", *NUMBERS)])

BLOCKS = f"""
select c.component, {EDGE} as kind, e.link_rank as one, e.value_id as two, e.low as three,
    e.high as four, e.weight as five
from all_edges e
join components c on c.account = e.low
union all
select c.component, {ACCOUNT} as kind, a.account, a.name, 0 as three, 0 as four, 0 as five
from accounts a
join components c on c.account = a.account
union all
select c.component, {CLAIM} as kind, k.account, k.claim_kind, k.claim, k.place, 0 as five
from claims k
join components c on c.account = k.account
union all
select c.component, {APART} as kind, n.low, n.high, 0 as three, 0 as four, 0 as five
from cannot_links n
join components c on c.account = n.low
join components d on d.account = n.high
where c.component = d.component
"""

ALL_EDGES = f"""
select link_rank, value_id, low, high, weight from edges
union all
select link_rank, value_id, low, high, weight from compared_edges
union all
select {MUST_LINK_RANK} as link_rank, value_id, low, high, 0 as weight from must_links
"""

GROUPS = f"""
select a.account, coalesce(b.two, a.account) as root
from accounts a
left join (select one, two from clustered where kind = {ACCOUNT}) b on b.one = a.account
"""

VERDICTS = f"""
select one as link_rank, two as value_id, three as low, four as high, five as verdict
from clustered
where kind = {EDGE}
"""


def group_accounts(engine: Engine, settings: IdentitySettings) -> None:
    """Group the accounts of `accounts` by `edges`, `compared_edges` and `must_links`, as far as
    `claims`, `cannot_links` and names allow.

    Reads `components` besides; leaves `groups` (account, root: the oldest account of its group),
    `links` and `cuts` (link_rank, value_id, low, high, verdict: JOINED, or why the two ends stay
    apart).
    """
    engine.table("all_edges", ALL_EDGES)
    function = partial(
        join_block,
        slot_starts=settings.slot_starts,
        first_unnamed_rank=settings.first_unnamed_rank,
    )
    engine.map_blocks("clustered", BLOCKS, function, ANSWER)
    engine.table("groups", GROUPS)
    engine.table("links", f"select * from ({VERDICTS}) as verdicts where verdict = {JOINED}")
    engine.table("cuts", f"select * from ({VERDICTS}) as verdicts where verdict <> {JOINED}")


def join_block(block: pa.Table, slot_starts: Int32, first_unnamed_rank: int) -> pa.Table:
    """Group the accounts of whole components; rows as in BLOCKS, the answer as in ANSWER.

    slot_starts: (limited types + 1,) bounds of each type's claim slots. first_unnamed_rank: links
    of this rank and weaker are those of unnamed accounts.
    """
    kind = block["kind"].to_numpy()
    numbers = np.stack([block[name].to_numpy() for name in NUMBERS]).astype(np.int32)
    rank, value_id, low, high, weight = numbers[:, kind == EDGE]
    order = np.lexsort((value_id, high, low, -weight, rank))
    rank, value_id, low, high = rank[order], value_id[order], low[order], high[order]
    account, name = numbers[:2, kind == ACCOUNT]
    account, name = account[np.argsort(account)], name[np.argsort(account)]
    claims, is_over_limit = _claims(numbers[:4, kind == CLAIM], account, slot_starts)
    places = np.searchsorted(account, np.stack([low, high])).astype(np.int32)
    apart = np.searchsorted(account, numbers[:2, kind == APART]).astype(np.int32)
    _agree_claims(claims, is_over_limit, places[:, rank == MUST_LINK_RANK], slot_starts)
    root, verdict = join_edges(
        places[0],
        places[1],
        rank == MUST_LINK_RANK,
        rank >= first_unnamed_rank,
        claims,
        slot_starts,
        is_over_limit,
        name,
        apart,
    )
    # A refused edge whose ends met later by another one refuses nothing.
    verdict[root[places[0]] == root[places[1]]] = JOINED
    nothing = np.zeros_like(account)
    edges = [np.full_like(rank, EDGE), rank, value_id, low, high, verdict]
    groups = [nothing + ACCOUNT, account, account[root], nothing, nothing, nothing]
    answer = [np.concatenate(columns) for columns in zip(edges, groups, strict=True)]
    return pa.table(answer, schema=ANSWER)


def _claims(rows: Int32, account: Int32, slot_starts: Int32) -> tuple[Int32, Bool]:
    """Claims by account and slot, -1 where empty, and which accounts break a limit on their own."""
    holder, kind, claim, place = rows
    claims = np.full((len(account), int(slot_starts[-1])), -1, dtype=np.int32)
    slot = slot_starts[kind] + place
    is_inside = slot < slot_starts[kind + 1]
    position = np.searchsorted(account, holder)
    claims[position[is_inside], slot[is_inside]] = claim[is_inside]
    is_over_limit = np.zeros(len(account), dtype=np.bool_)
    is_over_limit[position[~is_inside]] = True
    return claims, is_over_limit


def _agree_claims(claims: Int32, is_over_limit: Bool, pairs: Int32, slot_starts: Int32) -> None:
    """Say that what must-linked accounts hold counts once: whoever decided that two people with two
    documents are one has decided that both documents are that person's. Changes `claims`.
    """
    decided = np.unique(pairs)
    for place in decided[is_over_limit[decided]]:
        is_over_limit[place] = False
    parent = np.arange(len(claims)).astype(np.int32)
    for low, high in pairs.T:
        parent[find_root(parent, high)] = find_root(parent, low)
    groups = np.array([find_root(parent, place) for place in decided], dtype=np.int32)
    for group in np.unique(groups):
        holders = decided[groups == group]
        for start, end in pairwise(slot_starts):
            held = np.unique(claims[holders, start:end])
            held = held[held >= 0]
            if len(held) > end - start:
                _make_one(claims[:, start:end], held)


def _make_one(claims: Int32, same: Int32) -> None:
    """Let several claims of one type count as the first of them, once for each account."""
    is_same = np.isin(claims, same)
    for row in np.flatnonzero(is_same.any(axis=1)):
        kept = np.unique(np.where(is_same[row], same[0], claims[row]))
        kept = kept[kept >= 0]
        claims[row] = -1
        claims[row, : len(kept)] = kept


@njit(cache=True)
def join_edges(
    low: Int32,
    high: Int32,
    is_decided: Bool,
    is_unnamed: Bool,
    claims: Int32,
    slot_starts: Int32,
    is_over_limit: Bool,
    name: Int32,
    apart: Int32,
) -> tuple[Int32, Int32]:
    """The root of each account and the verdict on each edge, in order; overwrites `claims`.

    apart: (2, n) pairs of accounts that people keep apart.
    """
    count = len(name)
    parent = np.arange(count).astype(np.int32)
    # The accounts of a group form a ring; two rings become one by swapping one link.
    next_account = np.arange(count).astype(np.int32)
    is_kept_apart = np.zeros(count, dtype=np.bool_)
    for pair in range(apart.shape[1]):
        is_kept_apart[apart[0, pair]] = True
        is_kept_apart[apart[1, pair]] = True
    verdict = np.zeros(len(low), dtype=np.int32)
    for edge in range(len(low)):
        one, other = find_root(parent, low[edge]), find_root(parent, high[edge])
        if one == other:
            continue
        if one > other:
            one, other = other, one
        is_over = is_over_limit[one] or is_over_limit[other]
        if is_kept_apart[one] and is_kept_apart[other] and _are_apart(parent, apart, one, other):
            verdict[edge] = REFUSED_CANNOT_LINK
        elif not is_decided[edge] and (is_over or not _claims_fit(claims, slot_starts, one, other)):
            verdict[edge] = REFUSED_MEMBER_LIMIT
        elif is_unnamed[edge] and _names_disagree(next_account, name, one, other):
            verdict[edge] = REFUSED_NAMES_DISAGREE
        else:
            parent[other] = one
            _take_claims(claims, slot_starts, one, other)
            is_over_limit[one] |= is_over_limit[other]
            is_kept_apart[one] |= is_kept_apart[other]
            next_account[one], next_account[other] = next_account[other], next_account[one]
    for account in range(count):
        parent[account] = find_root(parent, account)
    return parent, verdict


@njit(cache=True)
def _are_apart(parent: Int32, apart: Int32, one: int, other: int) -> bool:
    """Whether people keep an account of one group apart from one of the other."""
    for pair in range(apart.shape[1]):
        first, second = find_root(parent, apart[0, pair]), find_root(parent, apart[1, pair])
        if (first == one and second == other) or (first == other and second == one):
            return True
    return False


@njit(cache=True)
def _holds(claims: Int32, root: int, start: int, end: int, claim: int) -> bool:
    is_held = False
    for slot in range(start, end):
        is_held |= claims[root, slot] == claim
    return is_held


@njit(cache=True)
def _claims_fit(claims: Int32, slot_starts: Int32, one: int, other: int) -> bool:
    """Whether the different claims of both groups fit into the slots of each type."""
    for kind in range(len(slot_starts) - 1):
        start, end = slot_starts[kind], slot_starts[kind + 1]
        missing = 0
        for slot in range(start, end):
            claim = claims[other, slot]
            if claim >= 0 and not _holds(claims, one, start, end, claim):
                missing += 1
            if claims[one, slot] >= 0:
                missing += 1
        if missing > end - start:
            return False
    return True


@njit(cache=True)
def _take_claims(claims: Int32, slot_starts: Int32, one: int, other: int) -> None:
    """Add the claims of `other` to those of `one`; _claims_fit has said that there is room."""
    for kind in range(len(slot_starts) - 1):
        start, end = slot_starts[kind], slot_starts[kind + 1]
        for slot in range(start, end):
            claim = claims[other, slot]
            if claim < 0 or _holds(claims, one, start, end, claim):
                continue
            for free in range(start, end):
                if claims[one, free] < 0:
                    claims[one, free] = claim
                    break


@njit(cache=True)
def _names_disagree(next_account: Int32, name: Int32, one: int, other: int) -> bool:
    """Whether both groups have names and share none."""
    is_one_named = False
    is_other_named = False
    left = one
    while True:
        if name[left] >= 0:
            is_one_named = True
            right = other
            while True:
                if name[right] >= 0:
                    is_other_named = True
                    if name[right] == name[left]:
                        return False
                right = next_account[right]
                if right == other:
                    break
        left = next_account[left]
        if left == one:
            break
    return is_one_named and is_other_named
