"""Merchants by month of sale: what was sold, who paid, what is kept and owed, what is left over.

`fct_merchant_settlement` has the same by the month of the statements.
"""

from collections.abc import Iterator
from typing import Any

from exports.money import yuan
from exports.published import open_current
from ingest.core.settings import Settings

# From a merchant's side; refunds against their sales.
TABLE = """
    with sides as (
        select
            origin_month,
            unnest([payee_party, payer_party]) as party,
            unnest([amount_fen, -amount_fen]) as net_fen,
            movement_type,
            split_part(movement_type, '_', 1) as kind,
            activity_id
        from fct_settlement_lines
    )
    select
        strftime(origin_month, '%Y-%m'),
        {merchant},
        count(distinct activity_id) filter (where movement_type = 'sale') as order_count,
        sum(if(kind in ('sale', 'points', 'voucher'), net_fen, 0))::bigint as gross_fen,
        sum(if(kind = 'voucher', net_fen, 0))::bigint as funded_fen,
        sum(if(kind in ('commission', 'minimum'), -net_fen, 0))::bigint as commission_fen,
        sum(if(kind = 'channel', -net_fen, 0))::bigint as fee_fen,
        sum(net_fen)::bigint as payable_fen
    from sides inner join dim_parties using (party)
    where party_kind = 'merchant'
    group by all
    order by all
"""
# What should not be, by reason: it must all be nothing.
LEFT = """
    with settled as (
        select distinct business, activities.activity_id
        from fct_activities as activities
        inner join fct_settlement_lines as lines using (activity_id)
        where regexp_matches(movement_type, '^(sale|points_tender|voucher)')
    )
    select reason, count(*), sum(abs(open_fen))::bigint from fct_settlement_suspense group by all
    union all
    select 'no_line', count(*), sum(gross_fen - discount_fen)::bigint
    from fct_activities as activities
    where activity_type in ('purchase', 'refund') and gross_fen <> discount_fen
        and business in (select business from settled)
        and activity_id not in (select activity_id from settled)
    having count(*) > 0
    order by 1
"""
# By month and party: what all are owed less what all owe.
OVER = """
    with sides as (
        select origin_month, payee_party as party, amount_fen as net_fen from fct_settlement_lines
        union all
        select origin_month, payer_party, -amount_fen from fct_settlement_lines
    ),
    months as (select sum(net_fen) as net_fen from sides group by origin_month)
    select count(*), count(*) filter (where net_fen <> 0), coalesce(sum(net_fen), 0)::bigint
    from months
"""
HEADINGS = (
    "month",
    "merchant",
    "orders",
    "gross ¥",
    "funded ¥",
    "commission ¥",
    "fee ¥",
    "payable ¥",
)


def merchant_table(settings: Settings, is_by_merchant: bool) -> Iterator[str]:
    """The table's lines: each month, or each merchant's; then the totals and what is left over.

    Raises Problem if nothing is published.
    """
    with open_current(settings) as (_, connection):
        merchant = "party" if is_by_merchant else "format('{} merchants', count(distinct party))"
        rows = connection.execute(TABLE.format(merchant=merchant)).fetchall()
        left = connection.execute(LEFT).fetchall()
        proof = connection.execute(OVER).fetchone()
    sums = [sum(row[place] for row in rows) for place in range(2, len(HEADINGS))]
    lines = [HEADINGS, *(_cells(row) for row in [*rows, ("in all", "", *sums)])]
    widths = [max(len(line[place]) for line in lines) + 2 for place in range(len(HEADINGS))]
    for line in lines:
        yield "".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True))
    orders, gross, _, commission, fee, payable = sums
    yield ""
    yield f"gross - commission - fee - payable = {yuan(gross - commission - fee - payable)}"
    yield "{} months, {} of them not zero over all parties; all together {} fen".format(
        *proof or ()
    )
    yield f"{sum(count for _, count, _ in left):,} documents of {orders:,} orders not settled"
    for reason, count, fen in left:
        yield f"  {reason}: {count:,} documents, {yuan(fen)}"


def _cells(row: tuple[Any, ...]) -> tuple[str, ...]:
    month, merchant, orders, *amounts = row
    return (month, merchant, f"{orders:,}", *(yuan(fen) for fen in amounts))
