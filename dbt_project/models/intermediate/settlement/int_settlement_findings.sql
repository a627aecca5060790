-- What finance has to look at besides payments. Money in suspense is open until somebody is known to bear it; the rest was
-- found in one night: refunds whose order is not known (and of whom no money waits), rows that were refused, points that
-- could not be taken back or given back, deliveries that did not come.
with businesses as (

    select
        source,
        max(business) as business
    from {{ ref('fct_source_freshness') }}
    group by source

),

findings as (

    select
        'suspense' as reason,
        party || '/' || counterparty || '/' || activity_id || '/' || reason as subject,
        reason as detail,
        substring(party, position('/' in party) + 1) as business,
        first_posted_date as business_date,
        true as is_open,
        document_no,
        merchant_id,
        1 as case_count,
        cast(null as bigint) as points,
        open_fen as amount_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from {{ ref('fct_settlement_suspense') }}
    union all
    select
        'unmatched_refund' as reason,
        outcomes.activity_id as subject,
        cast(null as string) as detail,
        outcomes.business,
        activities.load_date as business_date,
        false as is_open,
        activities.document_no,
        activities.merchant_id,
        1 as case_count,
        cast(null as bigint) as points,
        activities.paid_fen as amount_fen,
        activities.source_file,
        activities.source_row
    from {{ ref('fct_rating_outcomes') }} as outcomes
    inner join {{ ref('fct_activities') }} as activities on outcomes.activity_id = activities.activity_id
    left join (
        select distinct activity_id from {{ ref('fct_settlement_suspense') }}
    ) as suspended on outcomes.activity_id = suspended.activity_id
    where outcomes.outcome = 'order_not_found' and suspended.activity_id is null
    union all
    select
        'quarantined_rows' as reason,
        files.source || '/' || files.table_name || '/' || files.source_sha256 as subject,
        files.source || '/' || files.table_name as detail,
        businesses.business,
        files.load_date as business_date,
        false as is_open,
        cast(null as string) as document_no,
        cast(null as string) as merchant_id,
        files.quarantined_count as case_count,
        cast(null as bigint) as points,
        files.quarantined_total_fen as amount_fen,
        files.source_file,
        cast(null as bigint) as source_row
    from {{ ref('fct_load_reconciliation') }} as files
    left join businesses on files.source = businesses.source
    where files.quarantined_count > 0
    union all
    select
        entry_type as reason,
        entry_id as subject,
        cast(null as string) as detail,
        coalesce(redeemer_business, issuer_business) as business,
        posted_date as business_date,
        false as is_open,
        cast(null as string) as document_no,
        cast(null as string) as merchant_id,
        1 as case_count,
        points,
        cast(null as bigint) as amount_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from {{ ref('fct_points_entries') }}
    where entry_type in ('shortfall', 'restore_refused') and not is_reversal
    union all
    select
        'missing_delivery' as reason,
        calendar.source || '/' || cast(calendar.business_date as string) as subject,
        calendar.source as detail,
        businesses.business,
        calendar.business_date,
        false as is_open,
        cast(null as string) as document_no,
        cast(null as string) as merchant_id,
        1 as case_count,
        cast(null as bigint) as points,
        cast(null as bigint) as amount_fen,
        cast(null as string) as source_file,
        cast(null as bigint) as source_row
    from {{ ref('fct_delivery_calendar') }} as calendar
    left join businesses on calendar.source = businesses.source
    where calendar.status = 'missing'

)

select * from findings
