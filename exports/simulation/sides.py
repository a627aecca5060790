"""What is read of two built nights: priced movements of points, and who held which tier when.

Points are what the lake believes that night, each on its own business date, whenever it was posted.
Money is those points by the settlement prices of the side's own rule books, exact in micro-fen:
the rounding of a settlement day would move single fen between members whom nothing has touched.
"""

from dataclasses import dataclass
from datetime import date

import duckdb

from exports.reader import WORK_CATALOG, sql_text, work_database
from ingest.core.errors import Problem
from ingest.core.lake import Lake

SIDES = ("before", "after")
NEVER = "date '9999-12-31'"
LONG_AGO = "date '1900-01-01'"

# What an entry does: to which figure it counts, and its sign there, in the lots, and in what the
# business pays to the fund. Who pays is as in int_priced_postings: what was not deposited for a lot
# at issue its issuer pays, so that share stands in a second row; when the lot repays a debt, the
# issuer pays it to the fund. Memo entries move nothing.
MOVEMENTS = """
    create table movements as
    select * from (values
        ('accrual', 'awarded', 1, 1, 1, true),
        ('opening_balance', 'awarded', 1, 1, 0, false),
        ('pending', 'memo', 0, 0, 0, false),
        ('release', 'awarded', 1, 1, 1, true),
        ('pending_claw_back', 'memo', 0, 0, 0, false),
        ('renewal_out', 'renewed', -1, -1, 0, false),
        ('renewal_in', 'renewed', 1, 1, 0, false),
        ('last_day', 'memo', 0, 0, 0, false),
        ('claw_back', 'clawed_back', 1, -1, -1, true),
        ('claw_back_debt', 'clawed_back', 1, 0, -1, true),
        ('redemption', 'redeemed', 1, -1, -1, false),
        ('redemption_debt', 'redeemed', 1, 0, -1, false),
        ('restore', 'redeemed', -1, 1, 1, false),
        ('restore_debt', 'redeemed', -1, 0, 1, false),
        ('expiry', 'expired', 1, -1, 0, false),
        ('debt_repayment', 'repaid', 1, -1, 0, false),
        ('shortfall', 'memo', 0, 0, 0, false),
        ('restore_refused', 'memo', 0, 0, 0, false)
    ) as movement(entry_type, figure, sign, lot_sign, paid_sign, is_at_issue_price)
"""
# Lots whose day of issue decides how they were paid for: of issuers whose funding has changed.
LOTS = """
    create table {side}.lots as
    select lot_id, min(price_date) as price_date
    from (
        select lot_id, price_date
        from {marts}.int_points_entries
        where entry_type in ('accrual', 'pending', 'renewal_in') and issuer_business in (
            select issuer_business from {marts}.int_rules__funding
            group by issuer_business having count(*) > 1)
        group by all having sum(if(is_reversal, -points, points)) > 0
    )
    group by lot_id
"""
# Every entry with what of its price was deposited for its lot, in percent.
FUNDED = """
    create table {side}.funded as
    select entries.*,
        case
            when entries.is_opening then 0
            when entries.lot_id is null then 100
            else coalesce(funding.deposit_percent, 100)
        end as deposit_percent,
        if(entries.is_opening, 0, coalesce(funding.returned_percent, 0)) as returned_percent
    from (
        select *, if(is_reversal, -points, points) as signed,
            coalesce(lot_id like 'opening/%', false) as is_opening
        from {marts}.int_points_entries
        where business_date < {night}
    ) as entries
    left join {side}.lots as lots on entries.lot_id = lots.lot_id
    left join {marts}.int_rules__funding as funding
        on entries.issuer_business = funding.issuer_business
        and coalesce(lots.price_date, entries.price_date) >= funding.valid_from_date
        and coalesce(lots.price_date, entries.price_date) < funding.valid_until_date
"""
# One row an entry. A price decides by the issuer of what is taken, else by who settles.
PRICED = """
    create table {side}.priced as
    select
        entries.source, entries.account_id, entries.business_date, entries.rule_id,
        movements.figure,
        if(movements.figure is null, entries.entry_type, null) as unknown_type,
        coalesce(entries.settling_business, entries.issuer_business) as business,
        entries.issuer_business,
        entries.deposit_percent < 100
            and entries.entry_type in ('redemption', 'restore', 'claw_back') as is_paid_by_issuer,
        signed * movements.sign as points,
        if(entries.lot_id is null, 0, signed * movements.lot_sign) as lot_points,
        if(movements.is_at_issue_price or entries.entry_type in ('debt_repayment', 'expiry'),
            prices.issue_price_micro_fen, prices.reimbursement_price_micro_fen) as price_micro_fen,
        price_micro_fen * entries.deposit_percent // 100 as fund_micro_fen,
        case
            when entries.entry_type = 'debt_repayment'
                then signed * (price_micro_fen - fund_micro_fen)
            when entries.entry_type = 'expiry' then -signed * (
                price_micro_fen * entries.deposit_percent * entries.returned_percent // 10000)
            when entries.entry_type in ('accrual', 'release') then signed * fund_micro_fen
            when movements.paid_sign = 0 then 0
            else signed * movements.paid_sign * price_micro_fen
        end as micro_fen,
        -signed * movements.paid_sign * (price_micro_fen - fund_micro_fen) as issuer_micro_fen
    from {side}.funded as entries
    left join movements on entries.entry_type = movements.entry_type
    left join {marts}.int_rules__settlement_prices as prices
        on (movements.paid_sign <> 0 or movements.entry_type in ('debt_repayment', 'expiry'))
        and prices.issuer_business = if(
            entries.entry_type in ('redemption', 'restore'), entries.issuer_business,
            coalesce(entries.settling_business, entries.issuer_business))
        and prices.redeemer_business = coalesce(entries.settling_business, entries.issuer_business)
        and entries.price_date >= prices.valid_from_date
        and entries.price_date < prices.valid_until_date
"""
READ = (
    """
    create table {side}.links as
    select source, account_id, member_id, coalesce(first_seen_date, {long_ago}) as seen_date
    from {marts}.dim_member_accounts
    """,
    "create table {side}.businesses as from {marts}.int_rules__businesses",
    """
    create table {side}.tier_names as
    select tier, max(tier_rank) as tier_rank, arg_max(tier_name, valid_from_date) as tier_name
    from {marts}.int_rules__tiers group by tier
    """,
    LOTS,
    FUNDED,
    PRICED,
    """
    insert into {side}.priced
    select * replace (
        issuer_business as business, 0 as points, 0 as lot_points, issuer_micro_fen as micro_fen,
        false as is_paid_by_issuer
    )
    from {side}.priced where is_paid_by_issuer
    """,
    # Without the fen that a settlement day was rounded by.
    """
    create table {side}.settled as
    select sum(
        case
            when payee_party in (select party from {marts}.int_rules__fund) then 1
            when payer_party in (select party from {marts}.int_rules__fund) then -1
            else 0
        end * (amount_fen * 1000000 - rounding_micro_fen)
    )::bigint as micro_fen
    from {marts}.int_settlement_lines
    where business_date between {first} and {last} and points > 0  -- not those of merchants
    """,
    """
    create table {side}.tier_changes as
    select member_id, change_number, effective_date, to_tier from {marts}.fct_tier_changes
    group by all having sum(if(is_reversal, -1, 1)) > 0
    """,
)
# From the day on which somebody was first seen they have the lowest tier, until a change.
TIMELINES = """
    create table {side}.members as
    select member_id, min(seen_date) as seen_date from {side}.links group by member_id;

    create table {side}.timeline as
    select member_id, tier, from_date,
        coalesce(lead(from_date) over (partition by member_id order by change_number), {never})
            as until_date
    from (
        select member_id, change_number, effective_date as from_date, to_tier as tier
        from {side}.tier_changes
        union all
        select member_id, -1, least(seen_date, min(effective_date)),
            (select arg_min(tier, tier_rank) from {side}.tier_names)
        from {side}.members left join {side}.tier_changes using (member_id)
        group by member_id, seen_date
    );
"""
# Movements by what tables ask for, but for members; `span` is before, in or after the window.
# A rule is the same one in all its dated versions.
SIDE_FACTS = """
    select '{side}' as side, span, business_month, business, issuer_business, figure,
        regexp_replace(rule_id, '/[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$', '') as rule,
        points, lot_points, micro_fen
    from (
        select
            case
                when business_date < {first} then 'earlier'
                when business_date > {last} then 'later'
                else 'window'
            end as span,
            date_trunc('month', business_date)::date as business_month,
            business, issuer_business, rule_id, figure,
            sum(points)::bigint as points, sum(lot_points)::bigint as lot_points,
            sum(micro_fen)::bigint as micro_fen
        from {side}.priced group by all
    )
"""
# Movements in the window by member; accounts without one share a row.
SIDE_MEMBER_FACTS = """
    select '{side}' as side, member_id, figure,
        sum(points)::bigint as points, sum(micro_fen)::bigint as micro_fen
    from {side}.priced left join {side}.links using (source, account_id)
    where business_date between {first} and {last} and figure <> 'memo'
    group by all
"""


@dataclass(frozen=True)
class Window:
    """Which business dates are compared, both inclusive, of a `night` that was built."""

    first: date
    last: date
    night: date


def read_sides(
    database: duckdb.DuckDBPyConnection, before: Lake, after: Lake, window: Window
) -> None:
    """Read both nights into schemas `before` and `after`, tables `facts` and `member_facts`.

    Problem if an entry is of a type that is unknown here, or has no price.
    """
    words = {
        **{name: f"date '{getattr(window, name)}'" for name in ("first", "last", "night")},
        "marts": f"{WORK_CATALOG}.main",
        "never": NEVER,
        "long_ago": LONG_AGO,
    }
    database.execute(MOVEMENTS)
    for side, lake in zip(SIDES, (before, after), strict=True):
        database.execute(f"create schema {side}")
        database.execute(f"attach {sql_text(work_database(lake))} as {WORK_CATALOG} (read_only)")
        for query in READ:
            database.execute(query.format(side=side, **words))
        database.execute(f"detach {WORK_CATALOG}")
        database.execute(TIMELINES.format(side=side, **words))
        _check(database, side)
    for name, query in (("facts", SIDE_FACTS), ("member_facts", SIDE_MEMBER_FACTS)):
        both = " union all ".join(query.format(side=side, **words) for side in SIDES)
        database.execute(f"create table {name} as {both}")


def _check(database: duckdb.DuckDBPyConnection, side: str) -> None:
    unknown = database.execute(f"select min(unknown_type) from {side}.priced").fetchone()
    if unknown and unknown[0]:
        raise Problem(
            f"entries of type '{unknown[0]}' are unknown to the simulation; "
            "add the type to exports/simulation/sides.py"
        )
    without = database.execute(f"""
        select business, min(business_date) from {side}.priced
        where micro_fen is null group by business order by business
    """).fetchone()
    if without:
        raise Problem(
            f"the rules {side} have no settlement price for {without[0]} on {without[1]}; "
            "let the prices of settlement.yml begin earlier"
        )
