-- Every activity that is rated tonight with every rule that it might earn by: points moved, or the reason why none did
-- (C6). The base rate and what is spent or given back stand under the rule `base`.
with base_ratings as (

    select * from {{ ref('int_base_ratings') }}

),

bonuses as (

    select * from {{ ref('int_capped_bonuses') }}

),

bonus_refunds as (

    select * from {{ ref('int_bonus_refunds') }}

),

ratings as (

    select * from base_ratings
    union all
    select
        activity_id, rule, member_id, activity_type, business, business_date, occurred_at,
        cast(null as string) as reverses_activity_id, source, account_id, outcome, awarded_points as points,
        full_points as base_points, cast(null as bigint) as business_multiplier_percent, tier,
        cast(null as bigint) as tier_multiplier_percent,
        case when outcome in ('awarded', 'cap_reached') then full_points - awarded_points else 0 end as clipped_points,
        rule_id, cast(null as string) as refund_policy, business_date as price_date
    from bonuses
    union all
    select
        activity_id, rule, member_id, 'refund' as activity_type, business, business_date, occurred_at,
        order_activity_id as reverses_activity_id, source, account_id,
        case when points > 0 then 'clawed_back' else 'nothing_to_claw_back' end as outcome, points,
        cast(0 as bigint) as base_points, cast(null as bigint) as business_multiplier_percent, tier,
        cast(null as bigint) as tier_multiplier_percent, cast(0 as bigint) as clipped_points, rule_id, refund_policy,
        order_date as price_date
    from bonus_refunds

)

select * from ratings
