-- What waits for somebody to say whose it is: a sale without a contract, a voucher that no programme knows or that is for
-- other goods, a refund that does not fit its order. It leaves by itself once rules or deliveries know; what nets to
-- nothing, as an order does with all of its refunds, is not open any more.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}
    where {{ is_order_movement('movement_type') }}
        and (payer_party like 'suspense/%' or payee_party like 'suspense/%')

),

signed as (

    select
        lines.*,
        coalesce(orders.activity_id, lines.activity_id) as order_id,
        case when payee_party like 'suspense/%' then payee_party else payer_party end as party,
        case when payee_party like 'suspense/%' then payer_party else payee_party end as counterparty,
        case when payee_party like 'suspense/%' then amount_fen else -amount_fen end as signed_fen,
        substring(rule_id, position('suspense/' in rule_id) + length('suspense/')) as reason_and_more
    from lines
    left join {{ ref('fct_activities') }} as activities on lines.activity_id = activities.activity_id
    left join {{ ref('fct_activities') }} as orders on activities.reverses_activity_id = orders.activity_id

),

open_amounts as (

    select
        party,
        counterparty,
        order_id as activity_id,
        substring(reason_and_more, 1, position(' ' in reason_and_more || ' ') - 1) as reason,
        min(business_date) as business_date,
        min(posted_date) as first_posted_date,
        sum(signed_fen) as open_fen
    from signed
    group by party, counterparty, order_id, substring(reason_and_more, 1, position(' ' in reason_and_more || ' ') - 1)
    having sum(signed_fen) <> 0

),

aged as (

    select
        open_amounts.party,
        open_amounts.counterparty,
        open_amounts.activity_id,
        open_amounts.reason,
        activities.document_no,
        activities.merchant_id,
        open_amounts.business_date,
        open_amounts.first_posted_date,
        cast({{ days_between('open_amounts.business_date', 'tonight.business_date') }} as bigint) as age_days,
        cast(open_amounts.open_fen as bigint) as open_fen
    from open_amounts
    cross join {{ ref('int_tonight') }} as tonight
    left join {{ ref('fct_activities') }} as activities on open_amounts.activity_id = activities.activity_id

)

select * from aged
