-- What the merchants of an order get of its money: its sale less commission and channel fee, less what its refunds took
-- back of these, the last month whose statement says so, and the night that last posted any of it. Subsidies travel
-- apart; what waits in suspense is a part of the order, and nobody's.
with lines as (

    select
        lines.*,
        case when activities.activity_type = 'refund' then activities.reverses_activity_id else lines.activity_id end
            as order_id
    from {{ ref('fct_settlement_lines') }} as lines
    inner join {{ ref('fct_activities') }} as activities on lines.activity_id = activities.activity_id
    where lines.movement_type in (
        'sale', 'sale_refund', 'commission', 'commission_refund', 'channel_fee', 'channel_fee_refund')

),

sides as (

    select
        order_id as activity_id,
        {{ merchant_side('lines') }} as receiver_party,
        period_month,
        posted_date,
        case when movement_type = 'sale' then {{ signed('amount_fen') }} else 0 end as sale_fen,
        case when {{ is_paid_by_merchant('movement_type') }} <> is_reversal then -amount_fen else amount_fen end as net_fen
    from lines

),

receivers as (

    select
        activity_id,
        receiver_party,
        max(period_month) as period_month,
        max(posted_date) as posted_date,
        sum(sale_fen) as sale_fen,
        sum(net_fen) as net_fen
    from sides
    group by activity_id, receiver_party
    having sum(sale_fen) <> 0

),

with_orders as (

    select
        *,
        sum(sale_fen) over (partition by activity_id) as order_fen,
        sum(case when receiver_party like 'suspense/%' then 0 else 1 end) over (partition by activity_id)
            as receiver_count
    from receivers

),

in_contract as (

    select * from with_orders
    where receiver_party not like 'suspense/%'

)

select * from in_contract
