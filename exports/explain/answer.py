"""One question to the current publication, and its answer in lines."""

from collections.abc import Iterator
from datetime import date

from exports.explain.activity import explain_activity
from exports.explain.asked import Asked
from exports.explain.balance import explain_balance
from exports.explain.line import explain_line
from exports.explain.member import explain_member
from exports.explain.statement import explain_statement
from exports.published import open_current
from ingest.core.lake import Lake
from ingest.core.settings import Settings


def answer(
    settings: Settings, what: str, named: str, on: date | None, known: date | None, is_all: bool
) -> Iterator[str]:
    """Lines about a `member`, an `activity`, a settlement `line`, a `statement`, or a member's
    `balance` on a date as known on one.

    Problem if nothing was published, or what is named is unknown.
    """
    if what == "statement":
        yield from explain_statement(Lake(settings.lake), named)
        return
    with open_current(settings) as (publication, marts):
        asked = Asked(marts, publication.business_date)
        if what == "activity":
            yield from explain_activity(asked, named)
        elif what == "line":
            yield from explain_line(asked, Lake(settings.lake), named)
        elif what == "member":
            yield from explain_member(asked, asked.member(named), is_all)
        else:
            known_date = asked.known(known)
            yield from explain_balance(asked, asked.member(named), on or known_date, known_date)
