-- Every activity ends in exactly one outcome of the base rate, or of what is spent: points moved, or the reason why
-- none did (C6).
with activities as (

    select activities.*
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_touched_activities') }} as touched on activities.activity_id = touched.activity_id

),

orders as (

    select * from {{ ref('int_rated_orders') }}

),

refunds as (

    select * from {{ ref('int_rated_refunds') }}

),

redemptions as (

    select * from {{ ref('int_rated_redemptions') }}

),

openings as (

    select * from {{ ref('int_rated_openings') }}

),

ratings as (

    select
        activities.activity_id,
        'base' as rule,
        activities.activity_type,
        activities.business,
        activities.business_date,
        activities.occurred_at,
        activities.reverses_activity_id,
        coalesce(orders.member_id, refunds.member_id, redemptions.member_id, openings.member_id) as member_id,
        coalesce(refunds.source, redemptions.source, activities.source) as source,
        coalesce(refunds.account_id, redemptions.account_id, activities.account_id) as account_id,
        case
            when orders.outcome is not null then orders.outcome
            when refunds.outcome is not null then refunds.outcome
            when redemptions.outcome is not null then redemptions.outcome
            when openings.outcome is not null then openings.outcome
            when activities.activity_type = 'refund' then 'order_not_found'
            else 'earns_nothing_by_rule'
        end as outcome,
        case
            when orders.outcome = 'awarded' then orders.full_points
            when refunds.outcome = 'clawed_back' then refunds.points
            when openings.outcome = 'opened' then openings.points
            else coalesce(redemptions.points, 0)
        end as points,
        coalesce(orders.base_points, 0) as base_points,
        coalesce(orders.multiplier_percent, refunds.multiplier_percent) as business_multiplier_percent,
        coalesce(orders.tier, refunds.tier) as tier,
        coalesce(orders.tier_multiplier_percent, refunds.tier_multiplier_percent) as tier_multiplier_percent,
        cast(0 as bigint) as clipped_points,
        coalesce(orders.rule_id, refunds.rule_id, redemptions.rule_id, openings.rule_id) as rule_id,
        refunds.refund_policy,
        coalesce(orders.business_date, refunds.order_date, redemptions.price_date, openings.business_date)
            as price_date
    from activities
    left join orders on activities.activity_id = orders.activity_id
    left join refunds on activities.activity_id = refunds.activity_id
    left join redemptions on activities.activity_id = redemptions.activity_id
    left join openings on activities.activity_id = openings.activity_id

)

select * from ratings
