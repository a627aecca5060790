"""差异与悬账: what of a month's nights waits for somebody, with its amount and age.

Refunds whose order is not known, rows that were refused, points that could not be taken back or
given back, deliveries that did not come; what lies in suspense; payments that till, channel bill
and settlement lines do not say alike.
"""

from datetime import date

import duckdb

from exports.reader import read_rows
from exports.statements.figures import Row
from exports.views import held_marts

QUERY = """
    with businesses as (
        select source, max(business) as business from fct_source_freshness group by source
    ),
    found as (
        select
            'unmatched_refund' as exception_type,
            outcomes.activity_id as subject,
            activities.load_date as first_seen_date,
            outcomes.business,
            activities.paid_fen as amount_fen,
            1 as case_count,
            '单据 ' || activities.document_no || '，' || activities.source_file || ' 第 '
                || activities.source_row || ' 行' as note
        from fct_rating_outcomes as outcomes
        inner join fct_activities as activities on outcomes.activity_id = activities.activity_id
        where outcomes.outcome = 'order_not_found'
            and activities.load_date between $first and $through
        union all
        select
            'quarantined_rows',
            files.source || '/' || files.table_name || '/' || files.source_sha256,
            files.load_date,
            businesses.business,
            files.quarantined_total_fen,
            files.quarantined_count,
            files.source_file || '：' || files.quarantined_count || ' 行未入库'
        from fct_load_reconciliation as files
        left join businesses on files.source = businesses.source
        where files.quarantined_count > 0 and files.load_date between $first and $through
        union all
        select
            entry_type,
            entry_id,
            posted_date,
            coalesce(redeemer_business, issuer_business),
            null,
            1,
            points || ' 积分'
        from fct_points_entries
        where entry_type in ('shortfall', 'restore_refused') and not is_reversal
            and posted_date between $first and $through
        union all
        select
            'missing_delivery',
            calendar.source || '/' || calendar.business_date,
            calendar.business_date,
            businesses.business,
            null,
            1,
            calendar.source || ' ' || calendar.business_date || ' 未到'
        from fct_delivery_calendar as calendar
        left join businesses on calendar.source = businesses.source
        where calendar.status = 'missing'
            and calendar.business_date between $first and $through
        {open}
    )
    select
        exception_type || '/' || coalesce(subject, '') as exception_id,
        *,
        $cutoff - first_seen_date as age_days
    from found
    order by amount_fen desc nulls last, exception_id
"""


# What is open however old it is, of marts that a publication may hold.
OPEN = {
    "fct_settlement_suspense": """
        union all
        select
            'suspense',
            party || '/' || counterparty || '/' || activity_id || '/' || reason,
            first_posted_date,
            split_part(party, '/', 2),
            open_fen,
            1,
            '单据 ' || coalesce(document_no, '—') || '，' || reason
        from fct_settlement_suspense
        where first_posted_date <= $through
    """,
    "fct_settlement_exceptions": """
        union all
        select
            reason,
            payment_no || '/' || coalesce(trade_no, ''),
            business_date,
            business,
            difference_fen,
            1,
            '支付 ' || payment_no || format('，收银 {:.2f} 元', till_fen / 100)
                || format('，账单 {:.2f} 元', bill_fen / 100)
        from fct_settlement_exceptions
        where business_date <= $through
    """,
}


def read_exceptions(
    connection: duckdb.DuckDBPyConnection, first: date, through: date, cutoff: date
) -> tuple[Row, ...]:
    """What was found in the nights from `first` through `through`; ages as of `cutoff`."""
    held = held_marts(connection)
    still_open = "".join(query for mart, query in OPEN.items() if mart in held)
    query = QUERY.replace("{open}", still_open)
    nights = {"first": first, "through": through, "cutoff": cutoff}
    return tuple(read_rows(connection, query, nights))
