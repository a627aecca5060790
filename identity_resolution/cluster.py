"""Members as groups of accounts: union-find that takes the strongest links first and refuses what
cannot be.

Each group holds claims (its documents, its WeChat ids). A link that would give a group more of them
than the member limits allow is refused, and so is a link of an unnamed account that would make one
person of two groups whose names have nothing in common. Stronger links come first, so a conflict is
cut at its weakest ones.
"""

import numpy as np
from numba import njit

from identity_resolution.model import Bool, Evidence, Int32

JOINED = 0
REFUSED_MEMBER_LIMIT = 1
REFUSED_NAMES_DISAGREE = 2


def join_accounts(
    evidence: Evidence, slot_starts: Int32, first_unnamed_rank: int
) -> tuple[Int32, Int32]:
    """Group accounts by evidence.

    slot_starts: (limited types + 1,) bounds of each type's claim slots. first_unnamed_rank: links
    of this rank and weaker are those of unnamed accounts. Returns (root, verdict): root (accounts,)
    is the oldest account of each account's group; verdict (edges,) is JOINED or why the two ends
    stay apart.
    """
    root, verdict = join_edges(
        evidence.low,
        evidence.high,
        evidence.rank >= first_unnamed_rank,
        evidence.claims.copy(),
        slot_starts,
        evidence.is_over_limit,
        evidence.name,
    )
    # A refused edge whose ends met later by another one refuses nothing.
    verdict[root[evidence.low] == root[evidence.high]] = JOINED
    return root, verdict


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
    """The compiled loop of join_accounts over edges in order; overwrites `claims`."""
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
