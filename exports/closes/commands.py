"""python -m exports close [STEP] --period YYYY-MM: the steps of a close on the command line.

Without a step the month is closed at one go, with nobody looking on (an unattended demo). The steps
are freeze, review, confirm (for one --party, or as finance's approver for all), close; reopen with
a reason, then approve or decline by another person; status.
"""

import argparse
from collections.abc import Callable, Iterator
from datetime import date

from exports.closes import workflow
from exports.closes.steps import (
    APPROVE,
    CLOSE,
    CONFIRM,
    DECLINE,
    FREEZE,
    OPEN,
    PROVISIONAL,
    REOPEN,
    REVIEW,
    STATES,
    History,
    next_command,
    read_history,
)
from exports.closes.totals import read_close, read_totals
from exports.money import yuan
from exports.months import first_day
from exports.reader import require_publication
from ingest.core.errors import NOTHING_TO_DO, Problem
from ingest.core.lake import Lake
from ingest.core.settings import Settings

STATUS = "status"
Taken = Callable[[Settings, str, str, str], History | None]
STEPS: dict[str, Taken] = {
    FREEZE: workflow.freeze,
    REVIEW: workflow.review,
    CLOSE: workflow.close,
    REOPEN: workflow.reopen,
    APPROVE: workflow.approve,
    DECLINE: workflow.decline,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "step", nargs="?", choices=[*STEPS, CONFIRM, STATUS], help="without: all, unattended"
    )
    parser.add_argument("--period", required=True, help="month, YYYY-MM")
    parser.add_argument("--by", default="", help="who takes the step")
    parser.add_argument("--why", default="", help="why; reopen needs it")
    parser.add_argument("--party", help="confirm for this party only")


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Take a step, all of them, or show where a month stands; the exit status."""
    period, step = arguments.period, arguments.step
    if step is None:
        return _close_at_once(settings, period)
    if step == STATUS:
        for line in status_lines(settings, period):
            print(line)
        return 0
    by = arguments.by.strip()
    if by.casefold() == workflow.UNATTENDED:
        raise Problem(f"--by {by} is nobody; give the name of who takes the step")
    if arguments.party and step != CONFIRM:
        raise Problem(f"{step} is for all parties; --party goes with {CONFIRM} only")
    if step == CONFIRM:
        taken = workflow.confirm(settings, period, by, arguments.why, arguments.party)
    else:
        found = STEPS[step](settings, period, by, arguments.why)
        if found is None:
            return _nothing(period)
        taken = found
    state = f"{taken.state} {STATES[taken.state]}"
    print(f"{period} v{taken.version}: {state}; next: {next_command(taken)}")
    return 0


def status_lines(settings: Settings, period: str) -> Iterator[str]:
    """Where a month stands, who took which step, and what comes next."""
    lake, month = Lake(settings.lake), first_day(period)
    history = read_history(lake, period)
    state = history.state
    if state == OPEN and _has_lines(settings, month):
        state = PROVISIONAL
    yield f"{period} v{history.version}: {state} {STATES[state]}"
    for step in history.steps:
        whose = f" for {step.party}" if step.party else ""
        why = f": {step.why}" if step.why else ""
        yield f"  {step.on_date}  v{step.version} {step.step}{whose} by {step.by}{why}"
    for row in read_close(lake, period, history.version) or ():
        yield f"  {row['statement_no']}  {yuan(row['receivable_fen'] - row['payable_fen'])}"
    late = workflow.late_lines(settings, period)
    if history.is_frozen and late.line_count:
        yield f"  late 迟到: {late.line_count} lines, {yuan(late.amount_fen)}, in later months"
    yield f"next 下一步: {next_command(history)}"


def _has_lines(settings: Settings, month: date) -> bool:
    publication = require_publication(Lake(settings.lake))
    with publication.connect(settings.memory_limit) as marts:
        return bool(read_totals(marts, month))


def _close_at_once(settings: Settings, period: str) -> int:
    closed = workflow.close_month(settings, period)
    if closed is None:
        return _nothing(period)
    verb = "closed" if closed.is_new else "was closed before"
    print(f"{closed.period} {verb}: {', '.join(row['statement_no'] for row in closed.rows)}")
    return 0


def _nothing(period: str) -> int:
    print(f"nothing was posted in {period}; there is nothing to close")
    return NOTHING_TO_DO
