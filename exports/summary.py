"""The closing summary of a run: what each night did, and where its results are."""

import json
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
FIGURES = (
    "rows_read",
    "rows_refused",
    "awarded_points",
    "redeemed_points",
    "taken_back_points",
    "expired_points",
    "settled_fen",
)
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


def print_summary(settings: Settings, is_json: bool = False) -> None:
    """Print one line a night and the paths of what the three users came for.

    Raises Problem if nothing is published.
    """
    summary = summary_of(settings)
    if is_json:
        print(json.dumps(summary, ensure_ascii=False, indent=2))
        return
    print()
    lines = [HEADINGS, *(_cells(night) for night in summary["nights"])]
    widths = [max(13, *(len(line[place]) + 2 for line in lines)) for place in range(len(HEADINGS))]
    for line in lines:
        print("  " + "".join(f"{c:>{width}}" for c, width in zip(line, widths, strict=True)))
    print(f"\n  {summary['member_count']:,} members;", end=" ")
    print(f"settlement over all parties {summary['settlement_fen']} fen;", end=" ")
    print(f"{summary['violation_count']} invariants broken\n")
    for name in ("marts", "statements", "report"):
        print(f"  {name:<12}{summary[name]}")


def summary_of(settings: Settings) -> dict[str, Any]:
    """What `print_summary` says, with the names that programs read.

    Raises Problem if nothing is published.
    """
    with open_current(settings) as (_, connection):
        nights = [
            {"night": night.isoformat()}
            | {name: int(value or 0) for name, value in zip(FIGURES, figures, strict=True)}
            for night, *figures in connection.execute(NIGHTS).fetchall()
        ]
        members = _one(connection, "select count(*) from dim_members")
        settlement = _one(connection, "select sum(net_fen)::bigint from fct_settlement_statements")
        broken = _one(connection, "select sum(violation_count)::bigint from fct_invariants")
    report = settings.lake / "outbox" / "report" / nights[-1]["night"] / "run_report.html"
    return {
        "nights": nights,
        "member_count": members,
        "settlement_fen": settlement,
        "violation_count": broken,
        "marts": str(settings.lake / "published" / "current" / "marts.duckdb"),
        "statements": str(settings.lake / "outbox" / "statements"),
        "report": str(report),
    }


def _cells(night: dict[str, Any]) -> tuple[str, ...]:
    *counts, settled_fen = (night[name] for name in FIGURES)
    return (
        night["night"],
        *(f"{count:,}" for count in counts),
        yuan(settled_fen),
    )


def _one(connection: Any, sql: str) -> int:
    """The single number that a query returns, 0 for NULL."""
    return int(connection.execute(sql).fetchone()[0] or 0)
