"""Closing a month step by step: what each step asks for, and what it writes down.

Every step is refused in one line that says what would be possible. None looks at a clock: a step is
dated by the business date of the publication that its person saw.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

from exports.closes.steps import (
    APPROVE,
    CLOSE,
    CLOSED,
    COMMAND,
    CONFIRM,
    CONFIRMED,
    DECLINE,
    FREEZE,
    FROZEN,
    OPEN,
    REOPEN,
    REOPENED,
    REOPENING,
    REVIEW,
    REVIEWED,
    History,
    Step,
    add_step,
    check_step,
    next_command,
    read_history,
)
from exports.closes.totals import (
    Row,
    check_nights,
    check_restated,
    check_totals,
    check_unchanged,
    closes_of,
    earlier_month,
    grace_days,
    read_close,
    read_totals,
    write_totals,
)
from exports.months import first_day, month_text
from exports.published import open_current
from exports.reader import Publication, require_publication
from exports.statements.packs import check_packs
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.pointer import latest_version, shown_version
from ingest.core.settings import Settings

UNATTENDED = "unattended"


@dataclass(frozen=True)
class Close:
    """A closed month, one row a party. `is_new` is False if it was closed before."""

    period: str
    rows: tuple[Row, ...]
    is_new: bool


@dataclass(frozen=True)
class Late:
    """Lines that belong to a month and count for later ones."""

    line_count: int
    amount_fen: int


def close_month(settings: Settings, period: str) -> Close | None:
    """Freeze, review, confirm and close a month, written YYYY-MM, with nobody looking on; None if
    no line counts for it.

    Problem if people are at work on it, or whatever the steps themselves refuse.
    """
    lake = Lake(settings.lake)
    first_day(period)
    history = read_history(lake, period)
    if history.state == CLOSED:
        rows = _read_published(settings, history)
        closed = _frozen_rows(lake, history)
        _check_same(settings, history, closed, rows)
        return Close(period, closed, is_new=False)
    if history.version > 1 or any(step.by != UNATTENDED for step in history.steps):
        raise Problem(
            f"{period} v{history.version} is {history.state} by {history.steps[-1].by}, so people "
            f"close it; next would be {next_command(history)}"
        )
    if history.state == OPEN and freeze(settings, period, UNATTENDED) is None:
        return None
    for state, step in ((FROZEN, review), (REVIEWED, confirm), (CONFIRMED, close)):
        if read_history(lake, period).state == state:
            step(settings, period, UNATTENDED)
    return Close(period, _frozen_rows(lake, read_history(lake, period)), is_new=True)


def freeze(settings: Settings, period: str, by: str, why: str = "") -> History | None:
    """Write down what the month's statements say, with their numbers; None if it has no lines.

    Problem if the last night that counts for the month is not published, an earlier month is not
    closed, or the totals do not balance.
    """
    lake, month, history = Lake(settings.lake), first_day(period), _read(settings, period)
    publication = require_publication(lake)
    through = check_nights(publication, month, grace_days(lake, publication, month))
    check_step(history, FREEZE)
    if history.version > 1:
        through = _approved_through(history)
        check_restated(lake, publication, month, history.version, through)
    with publication.connect(settings.memory_limit) as marts:
        rows = read_totals(marts, month)
        earlier = earlier_month(marts, month)
    if not rows:
        return None
    check_totals(period, rows, _earlier_close(lake, earlier))
    write_totals(lake, period, history.version, publication.version, rows)
    return _take(lake, publication, history, FREEZE, FROZEN, by, why, through_date=through)


def review(settings: Settings, period: str, by: str, why: str = "") -> History:
    """Say that the frozen month has been checked; by somebody else than who froze it."""
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, REVIEW)
    _check_other(history, REVIEW, by, history.last(FREEZE))
    return _take(lake, require_publication(lake), history, REVIEW, REVIEWED, by, why)


def confirm(
    settings: Settings, period: str, by: str, why: str = "", party: str | None = None
) -> History:
    """Confirm a reviewed month: for one party, or as finance's approver for all of them.

    It is confirmed when the approver or every party has done so. The approver is somebody else than
    who reviewed it. Problem if the party has no statement or has confirmed already.
    """
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, CONFIRM)
    if party is None:
        _check_other(history, CONFIRM, by, history.last(REVIEW))
        state = CONFIRMED
    else:
        waiting = {row["party"] for row in _frozen_rows(lake, history)}
        if party not in waiting:
            raise Problem(
                f"{party} has no statement of {period}; those who have: "
                f"{', '.join(sorted(waiting))}"
            )
        confirmed = {step.party: step.by for step in history.confirmations()}
        if party in confirmed:
            raise Problem(f"{party} was confirmed for {period} by {confirmed[party]} already")
        state = REVIEWED if waiting - {party, *confirmed} else CONFIRMED
    publication = require_publication(lake)
    return _take(lake, publication, history, CONFIRM, state, by, why, party=party)


def close(settings: Settings, period: str, by: str, why: str = "") -> History:
    """Close a confirmed month; Problem if the current publication says something else of it."""
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, CLOSE)
    rows = _read_published(settings, history)
    _check_same(settings, history, _frozen_rows(lake, history), rows)
    return _take(lake, require_publication(lake), history, CLOSE, CLOSED, by, why)


def reopen(settings: Settings, period: str, by: str, why: str = "") -> History:
    """Propose to restate a closed month with what is late for it; nothing changes yet.

    Problem without a reason, if a later month is frozen, if nothing is late, or if the statements
    of the closed version are not in the outbox, where they stay for ever.
    """
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, REOPEN)
    if not why.strip():
        raise Problem(f"to reopen {period} needs a reason; add --why WHY")
    _check_latest(lake, period)
    check_packs(lake, period, history.version, _frozen_rows(lake, history))
    if not late_lines(settings, period).line_count:
        raise Problem(f"no line of {period} was posted late; there is nothing to restate")
    return _take(lake, require_publication(lake), history, REOPEN, REOPENING, by, why)


def approve(settings: Settings, period: str, by: str, why: str = "") -> History:
    """Approve a reopening; by somebody else than who proposed it.

    What belongs to the month and was posted up to the current publication is part of its next
    version, from the next night on.
    """
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, APPROVE)
    proposal = history.last(REOPEN)
    assert proposal is not None, "the state says so"
    _check_other(history, APPROVE, by, proposal)
    _check_latest(lake, period)
    reason = "; ".join(text for text in (proposal.why, why.strip()) if text)
    return _take(lake, require_publication(lake), history, APPROVE, REOPENED, by, reason)


def decline(settings: Settings, period: str, by: str, why: str = "") -> History:
    """Turn a proposed reopening down, or withdraw it; the closed version stands."""
    lake, history = Lake(settings.lake), _read(settings, period)
    check_step(history, DECLINE)
    return _take(lake, require_publication(lake), history, DECLINE, CLOSED, by, why)


def late_lines(settings: Settings, period: str) -> Late:
    """What a restatement of a month would take in, as of the current publication."""
    with open_current(settings) as (_, marts):
        found = marts.execute(
            "select count(*), coalesce(sum(amount_fen), 0)::bigint from fct_settlement_lines"
            " where origin_month = $month and period_month > $month",
            {"month": first_day(period)},
        ).fetchone()
    assert found is not None, "an aggregate without groups returns one row"
    return Late(*found)


def _read(settings: Settings, period: str) -> History:
    """The history of a month whose frozen totals are as they were written; Problem while readers
    do not see the last version, which is what people sign.
    """
    first_day(period)
    lake = Lake(settings.lake)
    if (last := latest_version(lake.root)) != shown_version(lake.root):
        raise Problem(
            f"readers see {shown_version(lake.root)} and not {last}, the last version; nothing can "
            "be closed until they do: python -m dags publish --by WHO --why WHY"
        )
    history = read_history(lake, period)
    _frozen_rows(lake, history)
    return history


def _frozen_rows(lake: Lake, history: History) -> tuple[Row, ...]:
    """The totals of the version at hand; Problem if they were changed since they were frozen."""
    frozen = history.last(FREEZE)
    if frozen is None:
        return ()
    path = lake.close(history.period, history.version)
    rows = read_close(lake, history.period, history.version)
    if rows is None or _sha256(lake, history) != frozen.totals_sha256:
        raise Problem(f"{path} is not what was frozen; restore it from a backup")
    return rows


def _sha256(lake: Lake, history: History) -> str:
    path = lake.close(history.period, history.version)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_published(settings: Settings, history: History) -> tuple[Row, ...]:
    publication = require_publication(Lake(settings.lake))
    with publication.connect(settings.memory_limit) as marts:
        return read_totals(marts, first_day(history.period))


def _check_same(
    settings: Settings, history: History, closed: tuple[Row, ...], rows: tuple[Row, ...]
) -> None:
    lake = Lake(settings.lake)
    version = require_publication(lake).version
    check_unchanged(lake, history.period, history.version, closed, rows, version)


def _earlier_close(lake: Lake, earlier: date | None) -> tuple[Row, ...]:
    """The close that a month opens with; empty for the first one, Problem if the one before is not
    closed.
    """
    if earlier is None:
        return ()
    history = read_history(lake, month_text(earlier))
    if history.state == OPEN:
        raise Problem(
            f"{month_text(earlier)} has settlement lines and is not closed; "
            f"run {COMMAND} --period {month_text(earlier)} first"
        )
    if history.state != CLOSED:
        raise Problem(
            f"{month_text(earlier)} is {history.state}; close it first: {next_command(history)}"
        )
    return _frozen_rows(lake, history)


def _check_latest(lake: Lake, period: str) -> None:
    later = sorted({other for other, _, _ in closes_of(lake) if other > period})
    if later:
        raise Problem(
            f"{period} cannot be reopened: {later[0]} is frozen after it and opens with what it "
            "closed with; its late lines stay adjustments of the months in which they were posted"
        )


def _check_other(history: History, step: str, by: str, before: Step | None) -> None:
    """Problem unless somebody else took the step before; nobody looks on an unattended close."""
    one, other = by.strip(), before.by if before else ""
    if one.casefold() == other.casefold() and one != UNATTENDED:
        raise Problem(
            f"{one} took the step {before.step if before else ''} on {history.period}; {step} "
            "needs another person"
        )


def _approved_through(history: History) -> date:
    approved = history.last(APPROVE, history.version - 1)
    assert approved is not None, "a later version was approved"
    return approved.on_date


def _take(
    lake: Lake,
    publication: Publication,
    history: History,
    step: str,
    state: str,
    by: str,
    why: str,
    party: str | None = None,
    through_date: date | None = None,
) -> History:
    if not by.strip():
        raise Problem(f"the step {step} needs who takes it; add --by WHO")
    return add_step(
        lake,
        history,
        Step(
            period=history.period,
            version=history.version,
            step=step,
            state=state,
            by=by.strip(),
            on_date=publication.business_date,
            publication=publication.version,
            why=why.strip(),
            party=party,
            through_date=through_date,
            totals_sha256=_sha256(lake, history),
        ),
    )
