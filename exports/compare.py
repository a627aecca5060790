"""What two nights that were built, but not published, would post differently.

Both are nights of one lake and one date: one as it is, one after a change. What differs is listed
for the people who decide about the change; totals that a change must not move stand below.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as Grid

from exports.reader import (
    WORK_CATALOG,
    engine_options,
    read_tonight,
    sql_text,
    work_database,
)
from ingest.core.errors import Problem, one_line
from ingest.core.lake import Lake

LISTED_ROWS = 200  # of a section; its heading counts all
WIDTH = 180
BEFORE, AFTER = "_before", "_after"  # how pairs of columns end

# What is read of each night, from its marts; night is its date.
READ = {
    "accounts": "select source, account_id, member_id from {marts}.dim_member_accounts",
    "balances": "select * from {marts}.fct_points_balances",
    "tiers": "select member_id, tier, growth_value from {marts}.dim_member_tiers",
    "entries": "select * from {marts}.fct_points_entries where posted_date = {night}",
    "tier_changes": """
        select member_id, effective_date, from_tier, to_tier, reason, growth_value,
            period_end_date, is_reversal
        from {marts}.fct_tier_changes where posted_date = {night}
    """,
    "lines": "select * from {marts}.fct_settlement_lines where posted_date = {night}",
    "settled": "select period_month, party, closing_fen from {marts}.fct_settlement_balances",
    "invariants": "select invariant, violation_count from {marts}.fct_invariants",
}
# Lots are many: only those that an account which changes hands, or an entry, can change.
READ_LOTS = """
    select * from {marts}.fct_points_lots
    where (source, account_id) in (select (source, account_id) from moved)
        or lot_id in (select lot_id from moved_entries)
"""
DIFFERENCES = """
    create view moved as
    select source, account_id, one.member_id as before, other.member_id as after
    from before.accounts as one full join after.accounts as other using (source, account_id)
    where one.member_id is distinct from other.member_id;

    create view moved_entries as
    select -1 as sign, * from (from before.entries except all from after.entries)
    union all
    select 1 as sign, * from (from after.entries except all from before.entries);

    create view moved_lines as
    select -1 as sign, * from (from before.lines except all from after.lines)
    union all
    select 1 as sign, * from (from after.lines except all from before.lines);
"""


@dataclass(frozen=True)
class Section:
    """One list of differences: its name for programs, its heading, the names of its columns, its
    rows.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Total:
    """A number over everything; `must_be` is what a change has to keep, None if it may move."""

    name: str
    title: str
    value: int
    must_be: int | None = None


@dataclass(frozen=True)
class Comparison:
    """What one night would post differently from another; the totals over everything."""

    night: date
    sections: tuple[Section, ...]
    totals: tuple[Total, ...]

    @property
    def is_kept(self) -> bool:
        """Whether every total that must be something is that."""
        return all(total.must_be in {None, total.value} for total in self.totals)

    def as_json(self) -> dict[str, Any]:
        """What programs get: every row, also of long lists."""
        return {
            "business_date": self.night,
            "is_kept": self.is_kept,
            "totals": [
                {"figure": total.name, "difference": total.value, "must_be": total.must_be}
                for total in self.totals
            ],
            **{
                each.name: [dict(zip(each.columns, row, strict=True)) for row in each.rows]
                for each in self.sections
            },
        }


SECTIONS = {
    ("accounts", "账户归属 accounts that change hands"): """
        select source, account_id, before as member_id_before, after as member_id_after
        from moved order by all
    """,
    ("balances", "积分余额 members whose points change"): """
        select member_id,
            one.balance_points as balance_points_before,
            other.balance_points as balance_points_after,
            coalesce(other.balance_points, 0) - coalesce(one.balance_points, 0)
                as difference_points,
            one.debt_points as debt_points_before, other.debt_points as debt_points_after
        from before.balances as one full join after.balances as other using (member_id)
        where one is distinct from other
        order by all
    """,
    ("lots", "积分批次 lots that change"): """
        select lot_id, source, account_id, issuer_business, earned_on_date,
            one.member_id as member_id_before, other.member_id as member_id_after,
            one.issued_points as issued_points_before, other.issued_points as issued_points_after,
            one.remaining_points as remaining_points_before,
            other.remaining_points as remaining_points_after
        from before.lots as one
        full join after.lots as other
            using (lot_id, source, account_id, issuer_business, earned_on_date)
        where one is distinct from other
        order by source, account_id, earned_on_date, lot_id
    """,
    ("entries", "积分分录 points posted differently"): """
        select date_trunc('month', business_date)::date as origin_month, entry_type,
            issuer_business, count(*) as entry_count,
            sum(sign * if(is_reversal, -points, points))::bigint as difference_points
        from moved_entries group by all order by all
    """,
    ("tiers", "会员等级 members whose tier or growth value changes"): """
        select member_id, one.tier as tier_before, other.tier as tier_after,
            one.growth_value as growth_value_before, other.growth_value as growth_value_after
        from before.tiers as one full join after.tiers as other using (member_id)
        where one is distinct from other
        order by all
    """,
    ("tier_changes", "等级变动 tier changes posted differently"): """
        select 'before' as posted_only, *
        from (from before.tier_changes except all from after.tier_changes)
        union all
        select 'after' as posted_only, *
        from (from after.tier_changes except all from before.tier_changes)
        order by member_id, effective_date, posted_only desc, is_reversal desc
    """,
    ("settlement", "结算差额 settlement by party and period, fen"): """
        with sides as (
            select payee_party as party, sign * amount_fen as fen, * from moved_lines
            union all
            select payer_party as party, -sign * amount_fen as fen, * from moved_lines
        )
        select period_month, origin_month, party, count(*) as line_count,
            sum(fen)::bigint as difference_fen
        from sides group by all order by all
    """,
    ("closed_periods", "涉及的已关账期间 closed periods that the differences come from"): """
        with touched as (
            select date_trunc('month', business_date)::date as origin_month, 1 as entry_count,
                0 as line_count
            from moved_entries
            union all
            select origin_month, 0 as entry_count, 1 as line_count from moved_lines
        )
        select origin_month as closed_month, sum(entry_count)::bigint as entry_count,
            sum(line_count)::bigint as line_count, {month} as posted_in_month
        from touched
        where origin_month <= (select max(period_month) from closes)
        group by all order by all
    """,
}
TOTALS = {
    ("balance_points", "积分余额合计变化 points of all members together", None): """
        select (select sum(balance_points) from after.balances)
            - (select sum(balance_points) from before.balances)
    """,
    ("issued_points", "  其中发放 of it issued", None): """
        select (select sum(issued_points) from after.balances)
            - (select sum(issued_points) from before.balances)
    """,
    ("redeemed_points", "  其中核销 of it redeemed", None): """
        select (select sum(redeemed_points) from before.balances)
            - (select sum(redeemed_points) from after.balances)
    """,
    ("expired_points", "  其中过期 of it expired", None): """
        select (select sum(expired_points) from before.balances)
            - (select sum(expired_points) from after.balances)
    """,
    ("clawed_back_points", "  其中扣回 of it clawed back", None): """
        select (select sum(clawed_back_points) from before.balances)
            - (select sum(clawed_back_points) from after.balances)
    """,
    ("debt_points", "积分欠账合计变化 debt of all members together", None): """
        select (select sum(debt_points) from after.balances)
            - (select sum(debt_points) from before.balances)
    """,
    ("unexplained_points", "未解释的积分 points that nothing explains", 0): """
        select (
            select sum(balance_points - issued_points + redeemed_points + expired_points
                + clawed_back_points)
            from after.balances
        ) - (
            select sum(balance_points - issued_points + redeemed_points + expired_points
                + clawed_back_points)
            from before.balances
        )
    """,
    ("settled_fen", "各方结算合计 settlement over all parties in each month, fen", 0): """
        select sum(abs(fen))
        from (select sum(closing_fen) as fen from after.settled group by period_month)
    """,
    ("changed_closed_figures", "已关账月份的变化 figures of closed months that change", 0): """
        select count(*)
        from (select * from before.settled where period_month in (from closes)) as one
        full join (select * from after.settled where period_month in (from closes)) as other
            using (period_month, party)
        where one is distinct from other
    """,
    (
        "invariant_violations",
        "不变式违反 broken invariants",
        0,
    ): "select sum(violation_count) from after.invariants",
}


def compare_nights(before: Lake, after: Lake, night: date, memory_limit: str) -> Comparison:
    """What the night built in `after` would post differently from the one built in `before`.

    Problem unless both hold that night.
    """
    for lake in (before, after):
        read_tonight(lake, night)
    with duckdb.connect(config=engine_options(after, memory_limit)) as database:
        sides = (("before", before), ("after", after))
        for side, lake in sides:
            database.execute(f"create schema {side}")
            _read(database, side, lake, READ, night)
        database.execute(DIFFERENCES)
        for side, lake in sides:
            _read(database, side, lake, {"lots": READ_LOTS}, night)
        closes = sql_text(after.root / "raw" / "closes" / "*" / "*.parquet")
        database.execute(
            f"create table closes as select distinct period_month from read_parquet({closes})"
        )
        return Comparison(
            night,
            tuple(_section(database, *names, query, night) for names, query in SECTIONS.items()),
            tuple(
                Total(name, title, _number(database, query), must_be)
                for (name, title, must_be), query in TOTALS.items()
            ),
        )


def print_comparison(comparison: Comparison) -> None:
    """Print every section that has rows, then the totals."""
    console = Console(highlight=False, markup=False)
    console.width = max(console.width, WIDTH)
    console.print(f"{comparison.night}: 两次试算的差异 what the night would post differently")
    for section in comparison.sections:
        console.print(f"\n{section.title}: {len(section.rows):,}")
        if section.rows:
            console.print(_grid(section))
        if len(section.rows) > LISTED_ROWS:
            console.print(f"… {len(section.rows) - LISTED_ROWS:,} more")
    console.print()
    grid = Grid("合计 totals")
    for heading in ("值 value", "应为 must be"):
        grid.add_column(heading, justify="right")
    for total in comparison.totals:
        must_be = "" if total.must_be is None else _text("", total.must_be)
        grid.add_row(total.title, _text("", total.value), must_be)
    console.print(grid)


def _grid(section: Section) -> Grid:
    """A section as a table; what was before and what comes after stand in one column."""
    grid = Grid()
    shown: list[list[str]] = [[] for _ in section.rows[:LISTED_ROWS]]
    columns = list(section.columns)
    for number, name in enumerate(columns):
        if name.endswith(AFTER):
            continue
        is_pair = name.endswith(BEFORE)
        is_number = any(isinstance(row[number], int) for row in section.rows)
        title = name.removesuffix(BEFORE) if is_pair else name
        grid.add_column(title, justify="right" if is_number else "left", overflow="fold")
        for cells, row in zip(shown, section.rows, strict=False):
            told = _text(title, row[number])
            if is_pair and row[number] != row[number + 1]:
                told += f" → {_text(title, row[number + 1])}"
            cells.append(told)
    for cells in shown:
        grid.add_row(*cells)
    return grid


def _text(column: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:+,}" if value and column.startswith("difference") else f"{value:,}"
    return str(value)


def _read(
    database: duckdb.DuckDBPyConnection,
    side: str,
    lake: Lake,
    queries: Mapping[str, str],
    night: date,
) -> None:
    """Keep what some queries find in the marts of a night, as tables of one side."""
    path = work_database(lake)
    try:
        database.execute(f"attach {sql_text(path)} as {WORK_CATALOG} (read_only)")
        for name, query in queries.items():
            rows = query.format(marts=f"{WORK_CATALOG}.main", night=f"date '{night}'")
            database.execute(f"create table {side}.{name} as {rows}")
        database.execute(f"detach {WORK_CATALOG}")
    except duckdb.Error as error:
        raise Problem(
            f"cannot compare what {path} holds: {one_line(error)}; build the night again"
        ) from error


def _section(
    database: duckdb.DuckDBPyConnection, name: str, title: str, query: str, night: date
) -> Section:
    found = database.execute(query.format(month=f"date '{night.replace(day=1)}'"))
    columns = tuple(column[0] for column in found.description)
    return Section(name, title, columns, tuple(found.fetchall()))


def _number(database: duckdb.DuckDBPyConnection, query: str) -> int:
    row = database.execute(query).fetchone()
    return int(row[0] or 0) if row else 0
