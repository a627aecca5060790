{{ config(materialized='table') }}

-- What can earn: paid orders, each with the points and growth rule of its business on its own date. Refunds are
-- rated with the rule of the order that they reverse.
with activities as (

    select * from {{ ref('int_activities') }}

),

rules as (

    select * from {{ ref('int_rules__earning') }}

),

orders as (

    select
        activities.activity_id,
        activities.business,
        activities.source,
        activities.account_id,
        activities.activity_type,
        activities.occurred_at,
        activities.business_date,
        activities.channel,
        activities.paid_fen,
        rules.rule_id,
        rules.points_per_10000_fen,
        rules.multiplier_percent,
        rules.growth_percent,
        rules.refund_policy
    from activities
    left join rules
        on activities.business = rules.business
        and activities.business_date >= rules.valid_from_date
        and activities.business_date < rules.valid_until_date
    where activities.activity_type in ('purchase', 'stay', 'fee_payment', 'parking_session')

)

select * from orders
