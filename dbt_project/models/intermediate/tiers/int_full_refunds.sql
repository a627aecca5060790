-- The refund that leaves nothing of its order takes back what the order counted as: a visit, nights, an activity.
with refunds as (

    select * from {{ ref('int_refunds') }}

),

full_refunds as (

    select
        activity_id,
        order_activity_id,
        occurred_at,
        business_date
    from refunds
    where {{ is_full_refund('refunds') }}

)

select * from full_refunds
