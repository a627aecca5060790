{{ config(materialized='file') }}

-- Each refund with what was left of its order before and after it, so that any number of partial refunds takes
-- back exactly what the order gave, and never more (RULES §4, §10).
with refund as (

    select * from {{ ref('int_reversals') }}
    where activity_type = 'refund'

),

orders as (

    select * from {{ ref('int_reversed_activities') }}
    where {{ is_order('activity_type') }}

),

refunds as (

    select
        refund.activity_id,
        refund.business,
        refund.source as refund_source,
        refund.account_id as refund_account_id,
        refund.occurred_at,
        refund.business_date,
        refund.load_date,
        orders.activity_id as order_activity_id,
        orders.source,
        orders.account_id,
        orders.business as order_business,
        orders.activity_type as order_type,
        orders.business_date as order_date,
        orders.quantity as order_quantity,
        orders.paid_fen as order_paid_fen,
        cast(sum(-refund.paid_fen) over (
            partition by orders.activity_id
            order by refund.business_date, refund.occurred_at, refund.activity_id
            rows between unbounded preceding and current row
        ) as bigint) as refunded_fen,
        -refund.paid_fen as refund_fen
    from refund
    inner join orders on refund.reverses_activity_id = orders.activity_id

),

remaining as (

    select
        *,
        greatest(order_paid_fen - refunded_fen + refund_fen, 0) as remaining_before_fen,
        greatest(order_paid_fen - refunded_fen, 0) as remaining_after_fen
    from refunds

)

select * from remaining
