{{ config(materialized='table') }}

-- Every activity ends in exactly one outcome: points moved, or the reason why none did (C6).
with activities as (

    select * from {{ ref('int_activities') }}

),

orders as (

    select * from {{ ref('int_rated_orders') }}

),

refunds as (

    select
        refunds.*,
        orders.outcome as order_outcome,
        orders.refund_policy,
        orders.member_id,
        orders.tier,
        orders.tier_multiplier_percent,
        orders.multiplier_percent,
        orders.rule_id,
        {{ divide_down('refunds.remaining_before_fen * orders.rate', '100000000') }}
        - {{ divide_down('refunds.remaining_after_fen * orders.rate', '100000000') }} as points
    from {{ ref('int_refunds') }} as refunds
    inner join orders on refunds.order_activity_id = orders.activity_id

),

links as (

    select * from {{ ref('int_member_links') }}

),

of_orders as (

    select
        activity_id,
        member_id,
        source,
        account_id,
        outcome,
        case when outcome = 'awarded' then full_points else 0 end as points,
        base_points,
        multiplier_percent,
        tier,
        tier_multiplier_percent,
        rule_id,
        expires_on_date,
        cast(null as string) as refund_policy,
        business_date as price_date
    from orders

),

of_refunds as (

    select
        activity_id,
        member_id,
        source,
        account_id,
        case
            when order_outcome <> 'awarded' then 'order_earned_nothing'
            when points = 0 then 'nothing_to_claw_back'
            else 'clawed_back'
        end as outcome,
        case when order_outcome = 'awarded' then points else 0 end as points,
        cast(0 as bigint) as base_points,
        multiplier_percent,
        tier,
        tier_multiplier_percent,
        rule_id,
        cast(null as date) as expires_on_date,
        refund_policy,
        order_date as price_date
    from refunds

),

of_points as (

    select
        activities.activity_id,
        links.member_id,
        activities.source,
        activities.account_id,
        case
            when links.member_id is null then 'redeemed_without_member'
            when activities.activity_type = 'points_redemption' then 'redeemed'
            else 'returned'
        end as outcome,
        case when links.member_id is null then 0 else activities.points end as points,
        cast(0 as bigint) as base_points,
        cast(null as bigint) as multiplier_percent,
        cast(null as string) as tier,
        cast(null as bigint) as tier_multiplier_percent,
        'redemption/' || activities.business as rule_id,
        cast(null as date) as expires_on_date,
        cast(null as string) as refund_policy,
        coalesce(original.business_date, activities.business_date) as price_date
    from activities
    left join activities as original on activities.reverses_activity_id = original.activity_id
    left join links
        on coalesce(original.source, activities.source) = links.source
        and coalesce(original.account_id, activities.account_id) = links.account_id
    where activities.activity_type in ('points_redemption', 'points_return')

),

rated as (

    select * from of_orders
    union all
    select * from of_refunds
    union all
    select * from of_points

),

ratings as (

    select
        activities.activity_id,
        activities.activity_type,
        activities.business,
        activities.business_date,
        activities.occurred_at,
        activities.reverses_activity_id,
        rated.member_id,
        coalesce(rated.source, activities.source) as source,
        coalesce(rated.account_id, activities.account_id) as account_id,
        case
            when rated.outcome is not null then rated.outcome
            when activities.activity_type = 'refund' then 'order_not_found'
            else 'earns_nothing_by_rule'
        end as outcome,
        coalesce(rated.points, 0) as points,
        coalesce(rated.base_points, 0) as base_points,
        rated.multiplier_percent as business_multiplier_percent,
        rated.tier,
        rated.tier_multiplier_percent,
        rated.rule_id,
        rated.expires_on_date,
        rated.refund_policy,
        rated.price_date
    from activities
    left join rated on activities.activity_id = rated.activity_id

)

select * from ratings
