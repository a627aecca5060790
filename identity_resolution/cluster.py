"""Members as groups of accounts: union-find that takes the strongest links first and refuses what
cannot be.

Each group holds claims (its documents, its WeChat ids). A link that would give a group more of them
than the member limits allow is refused, and so is a link of an unnamed account that would make one
person of two groups whose names have nothing in common. Stronger links come first, so a conflict is
cut at its weakest ones.
"""

from functools import partial

import numpy as np
import pyarrow as pa
from numba import njit

from identity_resolution.components import find_components
from identity_resolution.engine import Engine
from identity_resolution.model import Bool, IdentitySettings, Int32

JOINED = 0
REFUSED_MEMBER_LIMIT = 1
REFUSED_NAMES_DISAGREE = 2

# What a row of a block is about, and of the answer.
EDGE, ACCOUNT, CLAIM = range(3)
ANSWER = pa.schema([(name, pa.int32()) for name in ("kind", "one", "two", "three", "four", "five")])

BLOCKS = """
select c.component, 0 as kind, e.link_rank as one, e.value_id as two, e.low as three, e.high as four
from edges e
join components c on c.account = e.low
union all
select c.component, 1 as kind, a.account, a.name, 0 as three, 0 as four
from accounts a
join components c on c.account = a.account
union all
select c.component, 2 as kind, k.account, k.claim_kind, k.claim, k.place
from claims k
join components c on c.account = k.account
"""

ONE_BLOCK = """
select account, 0 as component
from (select low as account from edges union select high as account from edges) as ends
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
    """Group the accounts of `accounts` by `edges`, as far as `claims` and names allow.

    Leaves `groups` (account, root: the oldest account of its group), `links` and `cuts` (link_rank,
    value_id, low, high, verdict: JOINED, or why the two ends stay apart).
    """
    if engine.has_blocks:
        find_components(engine)
    else:
        engine.table("components", ONE_BLOCK)
    function = partial(
        join_block, slot_starts=settings.slot_starts, first_unnamed_rank=len(settings.evidence)
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
    rows = np.stack([block[name].to_numpy() for name in block.column_names[1:]]).astype(np.int32)
    rank, value_id, low, high = rows[1:, rows[0] == EDGE]
    order = np.lexsort((value_id, high, low, rank))
    rank, value_id, low, high = rank[order], value_id[order], low[order], high[order]
    account, name = rows[1:3, rows[0] == ACCOUNT]
    account, name = account[np.argsort(account)], name[np.argsort(account)]
    claims, is_over_limit = _claims(rows[1:, rows[0] == CLAIM], account, slot_starts)
    ends = np.searchsorted(account, low), np.searchsorted(account, high)
    root, verdict = join_edges(
        ends[0].astype(np.int32),
        ends[1].astype(np.int32),
        rank >= first_unnamed_rank,
        claims,
        slot_starts,
        is_over_limit,
        name,
    )
    # A refused edge whose ends met later by another one refuses nothing.
    verdict[root[ends[0]] == root[ends[1]]] = JOINED
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


@njit(cache=True)
def join_edges(
    low: Int32,
    high: Int32,
    is_unnamed: Bool,
    claims: Int32,
    slot_starts: Int32,
    is_over_limit: Bool,
    name: Int32,
) -> tuple[Int32, Int32]:
    """The root of each account and the verdict on each edge, in order; overwrites `claims`."""
    count = len(name)
    parent = np.arange(count).astype(np.int32)
    # The accounts of a group form a ring; two rings become one by swapping one link.
    next_account = np.arange(count).astype(np.int32)
    verdict = np.zeros(len(low), dtype=np.int32)
    for edge in range(len(low)):
        one, other = _find(parent, low[edge]), _find(parent, high[edge])
        if one == other:
            continue
        if one > other:
            one, other = other, one
        is_over = is_over_limit[one] or is_over_limit[other]
        if is_over or not _claims_fit(claims, slot_starts, one, other):
            verdict[edge] = REFUSED_MEMBER_LIMIT
        elif is_unnamed[edge] and _names_disagree(next_account, name, one, other):
            verdict[edge] = REFUSED_NAMES_DISAGREE
        else:
            parent[other] = one
            _take_claims(claims, slot_starts, one, other)
            next_account[one], next_account[other] = next_account[other], next_account[one]
    for account in range(count):
        parent[account] = _find(parent, account)
    return parent, verdict


@njit(cache=True)
def _find(parent: Int32, account: int) -> int:
    """The root of an account; halves the path on its way."""
    while parent[account] != account:
        parent[account] = parent[parent[account]]
        account = parent[account]
    return account


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
