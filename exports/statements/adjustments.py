"""调整: the lines of a statement that were posted after their own month was over.

They are adjustments of the month in which they were posted, or, in a restated month, what the
restatement took in, with who proposed and who approved it.
"""

from collections.abc import Iterator
from datetime import date

import duckdb

from exports.adjustments import QUERY
from exports.closes.steps import APPROVE, REOPEN, History, read_history
from exports.closes.totals import closes_of
from exports.months import month_text
from exports.reader import read_rows
from exports.statements.figures import Row
from ingest.core.lake import Lake

# What the late lines of one month have to do with: little, so that it costs little every night.
RELATED = (
    """
    create or replace temp table late_keys as
    select activity_id, entry_id from fct_settlement_lines
    where period_month = $month and origin_month < date_trunc('month', posted_date)
    """,
    """
    create or replace temp table late_activities as
    select activity_id from late_keys where activity_id is not null
    union
    select reverses_activity_id from fct_activities
    where activity_id in (select activity_id from late_keys) and reverses_activity_id is not null
    """,
    # Terms of a contract's month (guarantee, steps, budget) have entries and no activity.
    """
    create or replace temp table late_lines as
    select * from fct_settlement_lines
    where activity_id in (select activity_id from late_activities)
        or (activity_id is null and entry_id in (select entry_id from late_keys))
    """,
    """
    create or replace temp table late_entries as
    select entry_id, entry_key from fct_points_entries
    where entry_id in (select entry_id from late_lines)
    """,
)
ADJUSTMENTS = f"""
    select *
    from ({QUERY.format(lines="late_lines", entries="late_entries", activities="fct_activities")})
    where period_month = $month
    order by posted_date, origin_month, business_date, activity_id, line_id
"""


def read_adjustments(
    lake: Lake, connection: duckdb.DuckDBPyConnection, month: date
) -> tuple[Row, ...]:
    """The late lines of a month, with the approvals of those that a restatement took in."""
    for statement in RELATED:
        connection.execute(statement, {"month": month} if "$month" in statement else None)
    rows = read_rows(connection, ADJUSTMENTS, {"month": month})
    history = read_history(lake, month_text(month))
    return tuple({**row, **_approval(history, row)} for row in rows)


def numbers_by_month(lake: Lake) -> dict[tuple[str, date], str]:
    """The newest statement number of each party and month."""
    return {
        (row["party"], row["period_month"]): row["statement_no"]
        for _, _, rows in closes_of(lake)
        for row in rows
    }


def adjustments_of(
    rows: tuple[Row, ...],
    party: str,
    numbers: dict[tuple[str, date], str],
    supersedes_no: str | None,
) -> Iterator[Row]:
    """Those of one party, seen from its side. The original is the statement that holds the line
    corrected, or else the one of the month to which the late line belongs; of what a restatement
    took in, the version before it.
    """
    for row in rows:
        if party not in (row["payer_party"], row["payee_party"]):
            continue
        is_owed, is_own = row["payee_party"] == party, row["settled_as"] == "own_month"
        original = row["corrected_period_month"] or row["origin_month"]
        yield {
            **row,
            "counterparty": row["payer_party"] if is_owed else row["payee_party"],
            "receivable_fen": row["amount_fen"] if is_owed else 0,
            "payable_fen": 0 if is_owed else row["amount_fen"],
            "net_fen": row["amount_fen"] if is_owed else -row["amount_fen"],
            "original_no": supersedes_no if is_own else numbers.get((party, original)),
        }


def _approval(history: History, row: Row) -> Row:
    """Who proposed and approved that a restated month takes a line in."""
    nobody = {"proposed_by": None, "approved_by": None, "approved_on_date": None}
    if row["settled_as"] == "adjustment":
        return nobody
    for step in history.steps:
        if step.step == APPROVE and row["posted_date"] <= step.on_date:
            proposal = history.last(REOPEN, step.version)
            return {
                "proposed_by": proposal.by if proposal else None,
                "approved_by": step.by,
                "approved_on_date": step.on_date,
            }
    return nobody  # it came within the days of grace
