"""What a night that was built, but not published, would change, beside the last version.

A figure stands as it is and as it would be. What the night itself brings (its files, who changes
hands, which tiers move) is counted by kind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from exports.reader import (
    WORK_CATALOG,
    engine_options,
    latest_publication,
    read_rows,
    read_tonight,
    sql_text,
    work_database,
)
from exports.verify import verify_night
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake
from ingest.core.settings import Settings

WIDTH = 140
LAST = "last"  # the catalog of the last version
Row = dict[str, Any]

# Figures as they are and as they would be, by group: rows of figure and value.
FIGURES = {
    "rows": """
        unpivot (
            select coalesce(sum(row_count), 0)::bigint as row_count,
                coalesce(sum(loaded_count), 0)::bigint as loaded_count,
                coalesce(sum(duplicate_count), 0)::bigint as duplicate_count,
                coalesce(sum(superseded_count), 0)::bigint as superseded_count,
                coalesce(sum(quarantined_count), 0)::bigint as quarantined_count
            from {marts}.fct_load_reconciliation
        ) on columns(*) into name figure value value
    """,
    "members": """
        unpivot (
            select (select count(*) from {marts}.dim_member_accounts) as account_count,
                (select count(*) from {marts}.dim_members) as member_count
        ) on columns(*) into name figure value value
    """,
    "tiers": """
        select tier as figure, count(*) as value
        from {marts}.dim_member_tiers group by tier, tier_rank order by tier_rank, tier
    """,
    "points": """
        unpivot (
            select coalesce(sum(issued_points), 0)::bigint as issued_points,
                coalesce(sum(redeemed_points), 0)::bigint as redeemed_points,
                coalesce(sum(expired_points), 0)::bigint as expired_points,
                coalesce(sum(clawed_back_points), 0)::bigint as clawed_back_points,
                coalesce(sum(balance_points), 0)::bigint as balance_points,
                coalesce(sum(debt_points), 0)::bigint as debt_points,
                coalesce(sum(pending_points), 0)::bigint as pending_points
            from {marts}.fct_points_balances
        ) on columns(*) into name figure value value
    """,
    # Merchants are many; together they are one party.
    "fen": """
        select if(party_kind = 'merchant', 'merchants', party) as figure,
            sum(closing_fen)::bigint as value
        from {marts}.fct_settlement_balances inner join {marts}.dim_parties using (party)
        where period_month = (select max(period_month) from {marts}.fct_settlement_balances)
        group by figure order by figure
    """,
}
# What the night brings, by group.
LISTS = {
    "files": """
        select source, status, count(*) as file_count,
            coalesce(sum(row_count), 0)::bigint as row_count,
            coalesce(sum(loaded_count), 0)::bigint as loaded_count,
            coalesce(sum(duplicate_count), 0)::bigint as duplicate_count,
            coalesce(sum(superseded_count), 0)::bigint as superseded_count,
            coalesce(sum(quarantined_count), 0)::bigint as quarantined_count
        from {marts}.fct_load_reconciliation where load_date = $night
        group by source, status order by source, status
    """,
    "member_changes": """
        select reason, count(*) as account_count, count(distinct member_id) as member_count
        from {marts}.fct_member_id_changes where posted_date = $night
        group by reason order by reason
    """,
    "tier_changes": """
        select reason, from_tier, to_tier, is_reversal, count(*) as change_count
        from {marts}.fct_tier_changes where posted_date = $night and from_tier is not null
        group by all order by all
    """,
}
TITLES = {
    "files": "输入文件 files of the night, by source",
    "rows": "行 rows of all nights",
    "members": "会员 accounts and members",
    "member_changes": "会员归并 accounts whose member id changes",
    "tiers": "等级 members of each tier",
    "tier_changes": "等级变动 tier changes that would be posted",
    "points": "积分 points of all members",
    "fen": "往来余额 owed to (+) or by (-) each party, fen",
}


@dataclass(frozen=True)
class Foresight:
    """What a night would change beside the version that it `follows`, None if it is the first one.

    `groups` are those of TITLES. `failures` says why it would not be published; none if it would.
    """

    business_date: date
    follows: str | None
    groups: Mapping[str, list[Row]]
    failures: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """What programs get."""
        return {
            "business_date": self.business_date.isoformat(),
            "is_nothing_new": False,
            "follows": self.follows,
            "would_be_published": not self.failures,
            "failures": [*self.failures],
            **self.groups,
        }


def foresee(settings: Settings, night: date) -> Foresight:
    """Compare the night that is built with the last version, and verify it as a night is.

    Problem unless this night is built.
    """
    lake = Lake(settings.lake)
    read_tonight(lake, night)
    last = latest_publication(lake)
    work = work_database(lake)
    with duckdb.connect(config=engine_options(lake, settings.memory_limit)) as database:
        try:
            database.execute(f"attach {sql_text(work)} as {WORK_CATALOG} (read_only)")
            if last:
                database.execute(f"attach {sql_text(last.database)} as {LAST} (read_only)")
            groups = {name: _group(database, name, night, last is not None) for name in TITLES}
        except duckdb.Error as error:
            raise Problem(
                f"cannot read {work}: {one_line(error)}; build the night again"
            ) from error
    failures = verify_night(settings, night).failures
    return Foresight(night, last.version if last else None, groups, failures)


def print_foresight(foresight: Foresight) -> None:
    """Print every group that has rows, then whether the night would be published."""
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDTH)
    follows = foresight.follows or "nothing: it would be the first night"
    console.print(f"{foresight.business_date}: 试算 what the night would change; follows {follows}")
    for name, rows in foresight.groups.items():
        if not rows:
            continue
        grid = Grid(title=TITLES[name], title_justify="left")
        for column, value in rows[0].items():
            grid.add_column(column, justify="right" if _is_number(value) else "left")
        for row in rows:
            grid.add_row(*(_text(column, value) for column, value in row.items()))
        console.print(grid)
    if not foresight.failures:
        console.print("every invariant and expectation holds: the night would be published")


def _group(
    database: duckdb.DuckDBPyConnection, name: str, night: date, has_last: bool
) -> list[Row]:
    tonight = f"{WORK_CATALOG}.main"
    if name in LISTS:
        return read_rows(database, LISTS[name].format(marts=tonight), {"night": night})
    before = _figures(database, name, f"{LAST}.main") if has_last else {}
    return [*_changes(before, _figures(database, name, tonight))]


def _figures(database: duckdb.DuckDBPyConnection, name: str, marts: str) -> dict[str, int]:
    rows = read_rows(database, FIGURES[name].format(marts=marts))
    return {row["figure"]: row["value"] for row in rows}


def _changes(before: Mapping[str, int], after: Mapping[str, int]) -> Iterator[Row]:
    """A row for every figure of either side; one that a side lacks is 0 there."""
    for figure in {**after, **before}:
        was, would_be = before.get(figure, 0), after.get(figure, 0)
        yield {"figure": figure, "before": was, "after": would_be, "difference": would_be - was}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(column: str, value: Any) -> str:
    if not _is_number(value):
        return str(value)
    return f"{value:+,}" if value and column == "difference" else f"{value:,}"
