"""Holding a member's tier fast for a time, and letting go: python -m ingest tier-locks …."""

import argparse
from collections.abc import Sequence
from datetime import date

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table as Grid

from ingest.core.dates import parse_date
from ingest.core.errors import Problem
from ingest.core.identity_decisions import AccountKey, account_key
from ingest.core.lake import Lake
from ingest.core.settings import Settings, load_settings
from ingest.night import published_night
from ingest.rules.books import load_rule_books
from ingest.tier_locks import (
    DAY,
    LOCK,
    UNLOCK,
    TierDecision,
    keep_tier_decision,
    read_tier_decisions,
)

WIDTH = 160
COLUMNS = ("decision", "account", "tier", "from", "until", "approved by", "reason")


def main(argv: Sequence[str]) -> int:
    """Run one of ls, lock, unlock; the exit status."""
    arguments = _parser().parse_args(argv)
    settings = load_settings()
    if arguments.action == "ls":
        return _list(Lake(settings.lake))
    lake, account = Lake(settings.lake), account_key(arguments.account)
    if not arguments.by.strip() or not arguments.reason.strip():
        raise Problem("a decision needs who approved it (--by) and why (--reason)")
    decision = TierDecision(
        decision=arguments.action,
        source=account.source,
        account_id=account.account_id,
        from_date=_first_day(lake, arguments.from_date),
        approved_by=arguments.by.strip(),
        reason=arguments.reason.strip(),
        tier=_tier(settings, arguments.tier) if arguments.action == LOCK else "",
        until_date=parse_date(arguments.until, "--until") if arguments.action == LOCK else None,
    )
    if decision.until_date is not None and decision.until_date < decision.from_date:
        raise Problem(f"--until {decision.until_date} is before --from {decision.from_date}")
    if not _is_known(lake, account):
        raise Problem(f"no account {account} has been linked to a member yet; check its number")
    path = keep_tier_decision(lake, decision)
    until = f" through {decision.until_date}" if decision.until_date else ""
    print(f"{decision.decision} of {account} from {decision.from_date}{until}: {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingest tier-locks", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("ls", help="all decisions")
    locking = actions.add_parser(LOCK, help="hold a tier at least from a day through another one")
    locking.add_argument("--tier", required=True, help="the tier to hold")
    locking.add_argument("--until", required=True, help="last day, YYYY-MM-DD")
    unlocking = actions.add_parser(UNLOCK, help="let go of the account's locks from a day on")
    for each in (locking, unlocking):
        each.add_argument("account", help="source:account_id, any account of the member")
        each.add_argument(
            "--from",
            dest="from_date",
            help="first day, YYYY-MM-DD; default: the day after the next night",
        )
        each.add_argument("--by", required=True, help="who approved it")
        each.add_argument("--reason", required=True, help="why")
    return parser


def _list(lake: Lake) -> int:
    grid = Grid(*COLUMNS)
    for each in read_tier_decisions(lake):
        days = (str(each.from_date), str(each.until_date or ""))
        grid.add_row(
            each.decision, str(each.account), each.tier, *days, each.approved_by, each.reason
        )
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(grid if grid.row_count else "no tier is held fast")
    return 0


def _first_day(lake: Lake, text: str | None) -> date:
    """The first day of a decision: its evening before belongs to a night still to be published."""
    published = published_night(lake)
    if text is None:
        if published is None:
            raise Problem("no night has been published yet; say --from YYYY-MM-DD")
        return published.business_date + 2 * DAY
    first_day = parse_date(text, "--from")
    if published is not None and first_day - DAY <= published.business_date:
        earliest = published.business_date + 2 * DAY
        raise Problem(
            f"--from {first_day} was decided by a night that is published; "
            f"the earliest day is {earliest}"
        )
    return first_day


def _tier(settings: Settings, name: str) -> str:
    book = load_rule_books(settings.rules, settings.dbt_project).tiers
    names = [tier.tier for tier in book.tiers]
    if name not in names[1:]:
        raise Problem(f"'{name}' is no tier to hold; there are {', '.join(names[1:])}")
    return name


def _is_known(lake: Lake, account: AccountKey) -> bool:
    """Whether any night has linked the account to a member."""
    wanted = [("source", "==", account.source), ("account_id", "==", account.account_id)]
    folder = lake.posted("member_links", date(1970, 1, 1)).parent.parent
    return any(
        pq.read_table(path, columns=["account_id"], filters=wanted, partitioning=None).num_rows > 0
        for path in sorted(folder.glob("*/*.parquet"))
    )
