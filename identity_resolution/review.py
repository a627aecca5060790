"""Links that were held back, with both sides, and what people decide about them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from identity_resolution.explain import ends_of, evidence_of
from identity_resolution.looked_up import LookedUp, Row, last_resolved, look_up
from ingest.core.errors import Problem
from ingest.core.identity_decisions import (
    AccountKey,
    IdentityDecision,
    decide,
    decision_record,
    keep_identity_decision,
    read_identity_decisions,
)
from ingest.core.lake import Lake
from ingest.core.pointer import latest_version
from ingest.core.settings import Settings

HELD = """
select h.*, l.member_id as low_member_id, r.member_id as high_member_id
from held_links h
join member_links l on l.source = h.low_source and l.account_id = h.low_account_id
join member_links r on r.source = h.high_source and r.account_id = h.high_account_id
order by h.component, h.low_source, h.low_account_id, h.high_source, h.high_account_id, h.rule
"""
SIDE = """
select l.source, l.account_id, a.name_masked, a.mobile_masked, a.gender, a.birth_year
from member_links l
left join int_accounts a on a.source = l.source and a.account_id = l.account_id
where l.member_id = ?
order by l.source, l.account_id
"""
BARE_SIDE = """
select source, account_id, null as name_masked, null as mobile_masked, null as gender,
    null as birth_year
from member_links
where member_id = ?
order by source, account_id
"""
REVIEWED = 20  # that a person reads at once
ADVICE = "python -m identity_resolution decide must-link|cannot-link {} {} --by WHO --why WHY"


def review(settings: Settings, night: date | None, limit: int | None = None) -> Iterator[str]:
    """Lines that list held links, each with the accounts of both sides, at most `limit` of them."""
    limit = REVIEWED if limit is None else limit
    looked_up = look_up(settings, night)
    held = looked_up.rows(HELD)
    yield f"{looked_up.night}: {len(held)} 条待审 links held for review"
    for number, link in enumerate(held[:limit], 1):
        low, high = ends_of(link)
        yield ""
        yield f"{number}. {link['reason']}  {low} – {high}  {evidence_of(link)}"
        for member in (link["low_member_id"], link["high_member_id"]):
            yield f"   {member}"
            yield from (f"     {_described(row)}" for row in _side(looked_up, member))
        yield f"   {ADVICE.format(low, high)}"
    if len(held) > limit:
        yield f"… and {len(held) - limit} more; --limit shows more of them"


def review_as_json(settings: Settings, night: date | None, limit: int | None) -> dict[str, Any]:
    """The held links with the accounts of both sides, at most `limit` of them, for programs."""
    looked_up = look_up(settings, night)
    held = looked_up.rows(HELD)
    return {
        "night": looked_up.night,
        "link_count": len(held),
        "links": [
            {
                **link,
                "low_accounts": _side(looked_up, link["low_member_id"]),
                "high_accounts": _side(looked_up, link["high_member_id"]),
            }
            for link in held[:limit]
        ],
    }


def _side(looked_up: LookedUp, member: str) -> list[Row]:
    return looked_up.rows(SIDE if looked_up.has_identifiers else BARE_SIDE, [member])


def _described(row: Row) -> str:
    known = (row["name_masked"], row["mobile_masked"], row["gender"], row["birth_year"])
    return f"{row['source']}:{row['account_id']}  " + "  ".join(str(each or "–") for each in known)


@dataclass(frozen=True)
class Kept:
    """A decision that was kept: in which file, of which members the two accounts are today, and the
    decision that it replaces.
    """

    decision: IdentityDecision
    file: str
    members: tuple[str, str]
    replaced: IdentityDecision | None

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        decided, before = self.decision, self.replaced
        state = "one member" if self.members[0] == self.members[1] else "two members"
        yield (
            f"{decided.decision} {decided.one} – {decided.other} from {decided.effective_from} on"
            f" ({self.file})"
        )
        yield f"  today they are {state}: {' and '.join(dict.fromkeys(self.members))}"
        if before is not None:
            who, since = before.decided_by, before.effective_from
            yield f"  it replaces {before.decision} of {since} by {who}"

    def as_json(self) -> dict[str, Any]:
        """What programs get."""
        replaced = decision_record(self.replaced) if self.replaced else None
        told = {"file": self.file, "members": [*self.members], "replaced": replaced}
        return decision_record(self.decision) | told


def keep_decision(
    settings: Settings,
    decision: str,
    accounts: tuple[AccountKey, AccountKey],
    by: str,
    why: str,
    effective_from: date | None = None,
) -> Kept:
    """Record a decision that counts from a night on, the first that can for None.

    Problem if an account is unknown, or the night has been published already.
    """
    lake = Lake(settings.lake)
    looked_up = look_up(settings, None)
    one, other = (looked_up.link_of(account)["member_id"] for account in accounts)
    next_night = _first_open_night(lake)
    night = next_night if effective_from is None else effective_from
    if night < next_night:
        raise Problem(
            f"night {night} is published already; a decision counts from {next_night} on at the"
            " earliest"
        )
    decided = decide(decision, accounts, night, by, why)
    before = _last_on(lake, decided)
    path = keep_identity_decision(lake, decided)
    return Kept(decided, path.name, (one, other), before)


def _first_open_night(lake: Lake) -> date:
    """The last resolved night as long as it is not published, so that a refused one can be mended;
    else the one after it.
    """
    resolved = last_resolved(lake)
    manifest = lake.published / (latest_version(lake.root) or "current") / "manifest.json"
    if not manifest.is_file():
        return resolved
    published = date.fromisoformat(json.loads(manifest.read_text("utf-8"))["business_date"])
    return resolved if published < resolved else resolved + timedelta(days=1)


def _last_on(lake: Lake, decision: IdentityDecision) -> IdentityDecision | None:
    earlier = [each for each in read_identity_decisions(lake) if each.pair == decision.pair]
    return earlier[-1] if earlier else None
