"""The closing summary of a run: what each night did, and where its results are."""

from typing import Any

from exports.money import yuan
from exports.published import open_current
from ingest.core.settings import Settings

NIGHTS = """
    with loads as (
        select
            load_date as night,
            sum(row_count) as rows_read,
            sum(quarantined_count) as rows_refused
        from fct_load_reconciliation
        group by load_date
    ),
    points as (
        select
            posted_date as night,
            sum(moved) filter (where entry_type in ('accrual', 'release')) as awarded,
            sum(moved) filter (where entry_type in ('redemption', 'redemption_debt')) as redeemed,
            sum(moved) filter (where entry_type in ('claw_back', 'claw_back_debt')) as taken_back,
            sum(moved) filter (where entry_type = 'expiry') as expired
        from (select *, if(is_reversal, -points, points) as moved from fct_points_entries)
        group by posted_date
    ),
    settled as (
        select posted_date as night, sum(amount_fen) as settled_fen
        from fct_settlement_lines
        group by posted_date
    )
    select night, rows_read, rows_refused, awarded, redeemed, taken_back, expired, settled_fen
    from loads left join points using (night) left join settled using (night)
    order by night
"""
HEADINGS = (
    "night",
    "rows read",
    "refused",
    "awarded",
    "redeemed",
    "taken back",
    "expired",
    "settled ¥",
)


def print_summary(settings: Settings) -> None:
    """Print one line a night and the paths of what the three users came for.

    Raises Problem if nothing is published.
    """
    with open_current(settings) as (_, connection):
        nights = connection.execute(NIGHTS).fetchall()
        members = _one(connection, "select count(*) from dim_members")
        settlement = _one(connection, "select sum(net_fen)::bigint from fct_settlement_statements")
        broken = _one(connection, "select sum(violation_count)::bigint from fct_invariants")
    print()
    lines = [HEADINGS, *(_cells(night) for night in nights)]
    widths = [max(13, *(len(line[place]) + 2 for line in lines)) for place in range(len(HEADINGS))]
    for line in lines:
        print("  " + "".join(f"{c:>{width}}" for c, width in zip(line, widths, strict=True)))
    print(f"\n  {members:,} members; settlement over all parties {settlement} fen;", end=" ")
    print(f"{broken} invariants broken\n")
    report = settings.lake / "outbox" / "report" / str(nights[-1][0])
    print(f"  marts       {settings.lake / 'published' / 'current' / 'marts.duckdb'}")
    print(f"  statements  {settings.lake / 'outbox' / 'statements'}")
    print(f"  report      {report / 'run_report.html'}")


def _cells(night: tuple[Any, ...]) -> tuple[str, ...]:
    *counts, settled_fen = (value or 0 for value in night[1:])
    return (
        str(night[0]),
        *(f"{count:,}" for count in counts),
        yuan(settled_fen),
    )


def _one(connection: Any, sql: str) -> int:
    """The single number that a query returns, 0 for NULL."""
    return int(connection.execute(sql).fetchone()[0] or 0)
