"""The comparison as tables: every figure before, after, and the difference of the two."""

from dataclasses import dataclass

import duckdb

from exports.simulation.sides import SIDES, Window

# Each figure: how a person calls it, and what one row of facts gives to it.
FIGURES = {
    "awarded_points": ("发放积分", "if(figure = 'awarded', points, 0)"),
    "redeemed_points": ("核销积分", "if(figure = 'redeemed', points, 0)"),
    "clawed_back_points": ("扣回积分", "if(figure = 'clawed_back', points, 0)"),
    "expired_points": ("过期积分", "if(figure = 'expired', points, 0)"),
    "net_points": (
        "净增积分",
        "case figure when 'awarded' then points when 'repaid' then 0 else -points end",
    ),
    "issue_cost_micro_fen": ("发放成本", "if(figure in ('awarded', 'clawed_back'), micro_fen, 0)"),
    "reimbursed_micro_fen": ("核销获付", "if(figure = 'redeemed', -micro_fen, 0)"),
    "net_cost_micro_fen": ("净成本", "micro_fen"),
}
LABELS = {
    **{name: label for name, (label, _) in FIGURES.items()},
    "business_month": "月份",
    "closing_date": "截至日",
    "business": "业态代码",
    "business_name": "业态",
    "legal_entity_name": "法人主体",
    "rule": "规则",
    "span": "范围",
    "tier": "等级代码",
    "tier_name": "等级",
    "tier_rank": "等级次序",
    "member_id": "会员编号",
    "member_count": "会员数",
    "closing_points": "期末未用积分",
    "least_points": "差异下限",
    "most_points": "差异上限",
}
SUFFIXES = {"_before": "之前", "_after": "之后", "_difference": "差异"}
BUCKETS = (1, 100, 1_000, 10_000)  # points from which a difference counts as a larger one


@dataclass(frozen=True)
class Table:
    """One table of the comparison, and the columns that put its rows in their one order."""

    query: str
    order: str


def label(column: str) -> str:
    """What a person reads above a column."""
    for suffix, word in SUFFIXES.items():
        if column.endswith(suffix):
            return LABELS[column.removesuffix(suffix)] + word
    return LABELS[column]


def pair(name: str, value: str) -> str:
    """SQL for the sum of one value on both sides, and the difference."""
    one, other = (f"coalesce(sum({value}) filter (side = '{side}'), 0)::bigint" for side in SIDES)
    return (
        f"{one} as {name}_before, {other} as {name}_after, "
        f"({other} - {one})::bigint as {name}_difference"
    )


FIGURE_LIST = ", ".join(pair(name, value) for name, (_, value) in FIGURES.items())
AWARDED = pair("awarded_points", FIGURES["awarded_points"][1])
FIGURES_OR_ZERO = ", ".join(
    f"coalesce({name}{suffix}, 0) as {name}{suffix}" for name in FIGURES for suffix in SUFFIXES
)
IS_OTHER = " or ".join(f"{name}_difference <> 0" for name in FIGURES)


def _both(query: str) -> str:
    """A query of one side, named {side} in it, of both sides."""
    return " union all ".join(query.replace("{side}", side) for side in SIDES)


HELD = """
    from {side}.timeline inner join {side}.members using (member_id)
    inner join months on closing_date >= from_date and closing_date < until_date
        and seen_date <= closing_date
"""
COUNTED = _both(f"""
    select '{{side}}' as side, closing_date, tier, count(*) as member_count {HELD} group by all
""")
MOVED = _both("""
    select '{side}' as side, figure, sum(points) as points, sum(micro_fen) as micro_fen
    from {side}.priced
    where business_date between {first} and {last} and figure <> 'memo'
    group by figure
""")
HELD_BEFORE, HELD_AFTER = (
    HELD.replace("{side}", side) + " where closing_date = {last}" for side in SIDES
)
# What the tables are made from besides `facts`.
PREPARED = f"""
    create table months as
    select month::date as business_month,
        least(last_day(month::date), {{last}}) as closing_date
    from generate_series(
        date_trunc('month', {{first}}), date_trunc('month', {{last}}), interval 1 month
    ) as list(month);

    create table businesses as
    select business, business_name, legal_entity_name from after.businesses
    union all
    select business, business_name, legal_entity_name from before.businesses
    where business not in (select business from after.businesses);

    create table tiers as
    select tier, tier_name, tier_rank from after.tier_names
    union all
    select tier, tier_name, tier_rank from before.tier_names
    where tier not in (select tier from after.tier_names);

    create table counted as {COUNTED};

    create table held_at_last as
    select member_id, one.tier as tier_before, other.tier as tier_after
    from (select member_id, tier {HELD_BEFORE}) as one
    full join (select member_id, tier {HELD_AFTER}) as other using (member_id);

    create table in_window as from facts where span = 'window';

    create table all_members as
    select member_id, {FIGURE_LIST} from member_facts group by member_id;

    create table totals as select {FIGURE_LIST} from ({MOVED});
"""
EDGES = [*(-each for each in reversed(BUCKETS)), *BUCKETS]
TABLES = {
    "months": Table(
        f"""
        select business_month, {FIGURE_LIST}
        from months left join in_window using (business_month)
        group by business_month
        """,
        "business_month",
    ),
    "businesses": Table(
        f"""
        select business, business_name, legal_entity_name, {FIGURE_LIST}
        from businesses left join in_window using (business)
        group by business, business_name, legal_entity_name
        """,
        "business",
    ),
    "legal_entities": Table(
        f"""
        select legal_entity_name, {FIGURE_LIST}
        from businesses left join in_window using (business)
        group by legal_entity_name
        """,
        "legal_entity_name",
    ),
    "business_months": Table(
        f"""
        select business_month, business, business_name, {FIGURE_LIST}
        from months cross join businesses
        left join in_window using (business_month, business)
        group by business_month, business, business_name
        """,
        "business_month, business",
    ),
    "rules": Table(
        f"""
        select business, business_name, rule, {AWARDED}
        from in_window inner join businesses using (business)
        where figure = 'awarded'
        group by business, business_name, rule
        """,
        "business, rule",
    ),
    "liability": Table(
        f"""
        select closing_date, businesses.business, business_name,
            {pair("closing_points", "lot_points")}
        from months cross join businesses
        left join (
            select side, business_month as moved_month, issuer_business as business,
                sum(lot_points) as lot_points
            from facts where span <> 'later' group by all
        ) as moved on moved.business = businesses.business and moved_month <= business_month
        group by all
        """,
        "closing_date, business",
    ),
    "tier_population": Table(
        f"""
        select months.closing_date, tiers.tier, tier_name, tier_rank,
            {pair("member_count", "member_count")}
        from months cross join tiers
        left join counted
            on counted.closing_date = months.closing_date and counted.tier = tiers.tier
        group by all
        """,
        "closing_date, tier_rank",
    ),
    "tier_moves": Table(
        """
        select tier_before, tier_after, count(*)::bigint as member_count
        from held_at_last group by all
        """,
        "tier_before, tier_after",
    ),
    "members": Table(
        f"""
        select member_id, tier_before, tier_after, {FIGURES_OR_ZERO}
        from all_members full join held_at_last using (member_id)
        where tier_before is distinct from tier_after or {IS_OTHER}
        """,
        "member_id",
    ),
    "distribution": Table(
        f"""
        with edges as (select unnest({EDGES}) as edge),
        differences as (
            select coalesce(net_points_difference, 0) as difference
            from all_members full join held_at_last using (member_id)
        ),
        ranges as (
            select * from (
                select if(edge > 0, edge, lag(edge) over (order by edge) + 1) as least_points,
                    if(edge < 0, edge, lead(edge) over (order by edge) - 1) as most_points
                from edges
            )
            union all select 0, 0
        )
        select least_points, most_points, count(difference) as member_count,
            coalesce(sum(difference), 0)::bigint as net_points_difference
        from ranges left join differences
            on difference >= coalesce(least_points, difference)
            and difference <= coalesce(most_points, difference)
        group by all
        """,
        "coalesce(least_points, most_points)",
    ),
    "outside": Table(
        f"""
        select span, {FIGURE_LIST}
        from (values ('earlier'), ('later')) as spans(span) left join facts using (span)
        group by span
        """,
        "span",
    ),
}


def make_tables(database: duckdb.DuckDBPyConnection, window: Window) -> None:
    """Make every table of TABLES under its name in schema `compared`, in order."""
    words = {name: f"date '{getattr(window, name)}'" for name in ("first", "last")}
    database.execute(PREPARED.format(**words))
    database.execute("create schema compared")
    for name, table in TABLES.items():
        database.execute(
            f"create table compared.{name} as from ({table.query}) order by {table.order}"
        )
