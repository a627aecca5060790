"""What `explain` says in lines, as rows for programs: the same queries, each answer whole.

Names, units and codes are those of the marts; of a statement, those of its manifest and its CSV.
"""

from datetime import date
from typing import Any

from exports.explain import activity, balance, line, member
from exports.explain.asked import Asked, Row
from exports.explain.statement import FIGURES, compare_statements
from exports.published import open_current
from exports.statements.packs import find_pack
from ingest.core.lake import Lake
from ingest.core.settings import Settings

Facts = dict[str, Any]


def facts_of(
    settings: Settings, what: str, named: str, on: date | None, known: date | None
) -> Facts:
    """Rows about what is named, by what they are; parameters and Problem as those of `answer`."""
    lake = Lake(settings.lake)
    if what == "statement":
        pack = find_pack(lake, named)
        return {**pack.manifest, "manifest_sha256": pack.sha256}
    with open_current(settings) as (publication, marts):
        asked = Asked(marts, publication.business_date)
        if what == "activity":
            return _of_activity(asked, asked.activity(named))
        if what == "line":
            return _of_line(asked, lake, line.settlement_line(asked, named))
        if what == "member":
            return _of_member(asked, asked.member(named))
        known_date = asked.known(known)
        return _of_balance(asked, asked.member(named), on or known_date, known_date)


def facts_of_difference(lake: Lake, one_no: str, other_no: str) -> Facts:
    """By how much two statements differ, in fen, and the lines by which they do."""
    found = compare_statements(lake, one_no, other_no)
    one, other = found.one.manifest, found.other.manifest
    return {
        "before": one_no,
        "after": other_no,
        "figures": [
            {"figure": name, "before": one.get(name, 0), "after": other.get(name, 0)}
            for _, name in FIGURES
        ],
        "added": found.added,
        "removed": found.removed,
        "changed": [{"before": before, "after": after} for before, after in found.changed],
    }


def _of_member(asked: Asked, member_id: str) -> Facts:
    [held] = asked.rows("select * from fct_points_balances where member_id = ?", [member_id])
    [tier] = asked.rows("select * from dim_member_tiers where member_id = ?", [member_id])
    return {
        "member_id": member_id,
        "night": asked.night,
        "accounts": asked.rows(member.ACCOUNTS, [member_id]),
        "balance": held,
        "tier": tier,
        "tier_changes": asked.rows(member.TIER_CHANGES, [member_id]),
        "tier_progress": asked.rows(member.PROGRESS, [member_id]),
        "missions": asked.rows(member.MISSIONS, [member_id]),
        "lots": asked.rows(member.LOTS, [member_id]),
        "entries": asked.rows(member.MOVEMENTS, [member_id, member.ALL]),
    }


def _of_activity(asked: Asked, found: Row) -> Facts:
    named = [found["activity_id"]]
    return {
        "night": asked.night,
        "activity": found,
        "outcomes": asked.rows(activity.OUTCOMES, named),
        "entries": asked.rows(activity.ENTRIES, named),
        "lots": asked.rows(activity.LOTS, named),
        "reversed_by": asked.rows(activity.REVERSED_BY, named),
    }


def _of_balance(asked: Asked, member_id: str, on_date: date, known_date: date) -> Facts:
    then = [on_date, known_date, member_id]
    differences = [on_date, known_date, asked.night, member_id]
    return {
        "member_id": member_id,
        "on_date": on_date,
        "known_date": known_date,
        "balance": asked.first(balance.BALANCE, then),
        "tier": asked.first(balance.TIER, then),
        "lots": asked.rows(balance.LOTS, then),
        "balance_known_today": asked.first(balance.BALANCE, [on_date, asked.night, member_id]),
        "differences": asked.rows(balance.DIFFERENCES, differences),
    }


def _of_line(asked: Asked, lake: Lake, found: Row) -> Facts:
    rules = found["rule_id"].split() if found["rule_id"] else []
    return {
        "night": asked.night,
        "line": found,
        "statements": line.statement_numbers(lake, found),
        "entry": asked.first(line.ENTRY, [found["entry_id"]]),
        "rules": asked.rows(line.RULES, [rules]),
        "issued": asked.first(line.ISSUED, [found["lot_id"]]),
        "activity": asked.first(line.ACTIVITY, [found["activity_id"]]),
        "correction": asked.first(line.CORRECTED, [found["line_id"]]),
    }
