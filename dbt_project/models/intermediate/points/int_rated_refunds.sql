-- What each refund takes back: the points of what was left of its order before it, less those after it, by the
-- rule and the tier of the order.
with refunds as (

    select * from {{ ref('int_refunds') }}

),

orders as (

    select * from {{ ref('int_capped_orders') }}

),

priced as (

    select
        refunds.activity_id,
        refunds.order_date,
        orders.member_id,
        orders.source,
        orders.account_id,
        orders.outcome as order_outcome,
        orders.multiplier_percent,
        orders.tier,
        orders.tier_multiplier_percent,
        orders.rule_id,
        orders.refund_policy,
        {{ base_points_of('refunds.remaining_before_fen', 'orders') }}
        - {{ base_points_of('refunds.remaining_after_fen', 'orders') }} as points
    from refunds
    inner join orders on refunds.order_activity_id = orders.activity_id

),

outcomes as (

    select
        *,
        case
            when order_outcome = 'in_legacy_balance' then 'order_in_legacy_balance'
            when order_outcome <> 'awarded' then 'order_earned_nothing'
            when points = 0 then 'nothing_to_claw_back'
            else 'clawed_back'
        end as outcome
    from priced

)

select * from outcomes
