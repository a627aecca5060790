"""A change of the rule books that moves more members than a typing mistake may: stop, and ask.

A version that begins on its date is a change, too. Counted are members whose tier changes tonight,
and members of whose past other points are posted. Limits: QUALITY fault 21.
"""

from collections.abc import Iterator
from datetime import date

import duckdb
import pyarrow.parquet as pq

from exports.reader import Tonight
from ingest.core.lake import Lake
from ingest.core.rule_agreements import is_agreed

MOST_PERCENT = 2  # of all members
MOST_MEMBERS = 100  # that may always change: in a small group few are many percent
SHOWN_CHANGES, SHOWN_LETTERS = 10, 40
COUNTS = {
    "change tier": """
        select count(distinct member_id) from fct_tier_changes
        where posted_date = $night and from_tier <> to_tier
    """,
    "have other points of earlier days": """
        select count(distinct member_id) from fct_points_entries
        where posted_date = $night and business_date < $night
    """,
}

Values = dict[tuple[str, str], str | None]


def rule_change_failures(
    work: duckdb.DuckDBPyConnection, lake: Lake, tonight: Tonight
) -> Iterator[str]:
    """A line if a count is beyond the limit, on a night that has other rules than the one before
    and with which nobody has agreed.
    """
    night, before = tonight.business_date, tonight.previous_date
    if before is None or not lake.raw("rules", "rule_values", before).is_file():
        return
    changes = _changes(_in_force(lake, before), _in_force(lake, night))
    if not changes or is_agreed(lake, night, str(tonight.rules_version)):
        return
    [members] = work.execute("select count(*) from dim_members").fetchone() or (0,)
    limit = max(MOST_MEMBERS, members * MOST_PERCENT // 100)
    counts = {
        what: work.execute(query, {"night": night}).fetchone() for what, query in COUNTS.items()
    }
    too_many = [f"{row[0]} {what}" for what, row in counts.items() if row and row[0] > limit]
    if too_many:
        more = len(changes) - SHOWN_CHANGES
        yield (
            f"rules: of {members} members {' and '.join(too_many)}, at most {limit} may when rules"
            f" change: {'; '.join(changes[:SHOWN_CHANGES])}{f'; {more} more' * (more > 0)}."
            f" If that is meant: python -m ingest rules --agree --date {night} --by WHO --why WHY"
            " and run the night again; if not, mend the books first"
        )


def _in_force(lake: Lake, night: date) -> Values:
    """The values of a night's books that hold on it, by book and place."""
    rows = pq.read_table(lake.raw("rules", "rule_values", night), partitioning=None).to_pylist()
    return {
        (row["book"], row["path"]): row["value"]
        for row in rows
        if (row["valid_from_date"] or date.min) <= night < (row["valid_until_date"] or date.max)
    }


def _changes(before: Values, after: Values) -> list[str]:
    def shown(values: Values, place: tuple[str, str]) -> str:
        text = values.get(place) or "nothing"
        return text if len(text) <= SHOWN_LETTERS else text[:SHOWN_LETTERS] + "…"

    return [
        f"{' '.join(place)} {shown(before, place)} -> {shown(after, place)}"
        for place in sorted({*before, *after})
        if before.get(place) != after.get(place)
    ]
