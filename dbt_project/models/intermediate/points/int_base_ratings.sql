-- Every activity ends in exactly one outcome of the base rate, or of what is spent: points moved, or the reason why
-- none did (C6). Each kind of activity comes from the model that judges it. What a query names twice, DuckDB keeps
-- whole: activities are asked for by kind.
with refund_activities as (

    select * from {{ ref('int_touched_activities') }}
    where activity_type = 'refund'

),

other_activities as (

    select * from {{ ref('int_touched_activities') }}
    where not ({{ is_order('activity_type') }})
        and activity_type not in ('refund', 'points_redemption', 'points_return', 'opening_balance')

),

orders as (

    select
        activity_id, 'base' as rule, member_id, activity_type, business, business_date, occurred_at,
        cast(null as string) as reverses_activity_id, source, account_id, outcome,
        case when outcome = 'awarded' then full_points else 0 end as points,
        base_points, multiplier_percent as business_multiplier_percent, tier, tier_multiplier_percent,
        cast(case
            when outcome in ('awarded', 'cap_reached') then uncapped_points - full_points else 0
        end as bigint) as clipped_points,
        rule_id, cast(null as string) as refund_policy, business_date as price_date
    from {{ ref('int_capped_orders') }}

),

refunds as (

    select
        activities.activity_id, 'base' as rule, refunds.member_id, activities.activity_type, activities.business,
        activities.business_date, activities.occurred_at, activities.reverses_activity_id,
        coalesce(refunds.source, activities.source) as source,
        coalesce(refunds.account_id, activities.account_id) as account_id,
        coalesce(refunds.outcome, 'order_not_found') as outcome,
        case when refunds.outcome = 'clawed_back' then refunds.points else 0 end as points,
        cast(0 as bigint) as base_points, refunds.multiplier_percent as business_multiplier_percent, refunds.tier,
        refunds.tier_multiplier_percent, cast(0 as bigint) as clipped_points, refunds.rule_id,
        refunds.refund_policy, refunds.order_date as price_date
    from refund_activities as activities
    left join {{ ref('int_rated_refunds') }} as refunds on activities.activity_id = refunds.activity_id

),

redemptions as (

    select
        activity_id, 'base' as rule, member_id, activity_type, business, business_date, occurred_at,
        reverses_activity_id, owner_source as source, owner_account_id as account_id, outcome, moved_points as points,
        cast(0 as bigint) as base_points, cast(null as bigint) as business_multiplier_percent,
        cast(null as string) as tier, cast(null as bigint) as tier_multiplier_percent,
        cast(0 as bigint) as clipped_points, rule_id, cast(null as string) as refund_policy, price_date
    from {{ ref('int_rated_redemptions') }}

),

others as (

    select
        activity_id, 'base' as rule, cast(null as string) as member_id, activity_type, business, business_date,
        occurred_at, reverses_activity_id, source, account_id, 'earns_nothing_by_rule' as outcome,
        cast(0 as bigint) as points, cast(0 as bigint) as base_points,
        cast(null as bigint) as business_multiplier_percent, cast(null as string) as tier,
        cast(null as bigint) as tier_multiplier_percent, cast(0 as bigint) as clipped_points,
        cast(null as string) as rule_id, cast(null as string) as refund_policy, cast(null as date) as price_date
    from other_activities

),

openings as (

    select
        activity_id, 'base' as rule, member_id, activity_type, business, business_date, occurred_at,
        cast(null as string) as reverses_activity_id, source, account_id, outcome,
        case when outcome = 'opened' then points else 0 end as points,
        cast(0 as bigint) as base_points, cast(null as bigint) as business_multiplier_percent,
        cast(null as string) as tier, cast(null as bigint) as tier_multiplier_percent,
        cast(0 as bigint) as clipped_points, rule_id, cast(null as string) as refund_policy,
        business_date as price_date
    from {{ ref('int_rated_openings') }}

),

ratings as (

    select * from orders
    union all
    select * from refunds
    union all
    select * from redemptions
    union all
    select * from others
    union all
    select * from openings

)

select * from ratings
