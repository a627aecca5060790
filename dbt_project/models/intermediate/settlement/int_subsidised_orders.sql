-- What others bear of an order's vouchers for each of its merchants, less what refunds gave back, and the night that first
-- posted any of it.
with lines as (

    select
        lines.*,
        {{ merchant_side('lines') }} as receiver_party,
        case when activities.activity_type = 'refund' then activities.reverses_activity_id else lines.activity_id end
            as order_id
    from {{ ref('fct_settlement_lines') }} as lines
    inner join {{ ref('fct_activities') }} as activities on lines.activity_id = activities.activity_id
    where lines.movement_type in ('voucher_subsidy', 'voucher_subsidy_refund')

),

subsidies as (

    select
        order_id as activity_id,
        receiver_party,
        max(period_month) as period_month,
        min(posted_date) as first_posted_date,
        sum(case when {{ is_paid_by_merchant('movement_type') }} <> is_reversal then -amount_fen else amount_fen end)
            as subsidy_fen
    from lines
    where receiver_party not like 'suspense/%'
    group by order_id, receiver_party

)

select * from subsidies
