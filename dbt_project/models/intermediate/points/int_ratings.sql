-- Every activity that is rated tonight with every rule that it might earn by: points moved, or the reason why none did
-- (C6). The base rate and what is spent or given back stand under the rule `base`.
with base_ratings as (

    select * from {{ ref('int_base_ratings') }}

),

activities as (

    select * from {{ ref('int_touched_activities') }}

),

bonuses as (

    select * from {{ ref('int_rated_bonuses') }}

),

bonus_refunds as (

    select * from {{ ref('int_bonus_refunds') }}

),

ratings as (

    select * from base_ratings
    union all
    select
        activities.activity_id, bonuses.rule, bonuses.member_id, activities.activity_type, activities.business,
        activities.business_date, activities.occurred_at, activities.reverses_activity_id, activities.source,
        activities.account_id, bonuses.outcome, bonuses.awarded_points as points, bonuses.full_points as base_points,
        cast(null as bigint) as business_multiplier_percent, bonuses.tier,
        cast(null as bigint) as tier_multiplier_percent,
        case when bonuses.outcome in ('awarded', 'cap_reached') then bonuses.full_points - bonuses.awarded_points
            else 0 end as clipped_points,
        bonuses.rule_id, cast(null as string) as refund_policy,
        activities.business_date as price_date
    from bonuses
    inner join activities on bonuses.activity_id = activities.activity_id
    union all
    select
        activities.activity_id, refunds.rule, refunds.member_id, activities.activity_type, activities.business,
        activities.business_date, activities.occurred_at, activities.reverses_activity_id, refunds.source,
        refunds.account_id, case when refunds.points > 0 then 'clawed_back' else 'nothing_to_claw_back' end as outcome,
        refunds.points, cast(0 as bigint) as base_points, cast(null as bigint) as business_multiplier_percent,
        refunds.tier, cast(null as bigint) as tier_multiplier_percent, cast(0 as bigint) as clipped_points,
        refunds.rule_id, refunds.refund_policy,
        refunds.order_date as price_date
    from bonus_refunds as refunds
    inner join activities on refunds.activity_id = activities.activity_id

)

select * from ratings
