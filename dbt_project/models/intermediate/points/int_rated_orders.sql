{{ config(materialized='file') }}

-- Each order's rate: the business's rule on its date and the member's tier on its date. Points for any remaining
-- amount of the order are the amount times `rate` (a product of two percentages), rounded down once, and no more than
-- the business gives for one order.
with orders as (

    select * from {{ ref('int_orders') }}

),

tiers as (

    select * from {{ ref('int_rules__tiers') }}

),

excluded as (

    select * from {{ ref('int_rules__excluded_channels') }}

),

terms as (

    select * from {{ ref('int_rules__base_terms') }}

),

members as (

    {{ with_tier('orders') }}

),

rated as (

    select
        members.*,
        excluded.channel is not null as is_excluded_channel,
        tiers.points_multiplier_percent as tier_multiplier_percent,
        tiers.rule_id as tier_rule_id,
        coalesce(not terms.earns_with_discount and members.discount_fen > 0, false) as is_discounted,
        terms.most_points_per_order,
        members.points_per_10000_fen * members.multiplier_percent * tiers.points_multiplier_percent as rate,
        {{ divide_down('greatest(members.paid_fen, 0) * members.points_per_10000_fen', '10000') }} as base_points
    from members
    left join tiers
        on members.tier = tiers.tier
        and members.business_date >= tiers.valid_from_date
        and members.business_date < tiers.valid_until_date
    left join excluded
        on members.business = excluded.business
        and members.channel = excluded.channel
        and members.business_date >= excluded.valid_from_date
        and members.business_date < excluded.valid_until_date
    left join terms
        on members.business = terms.business
        and members.business_date >= terms.valid_from_date
        and members.business_date < terms.valid_until_date

),

priced as (

    select
        *,
        {{ base_points_of('greatest(paid_fen, 0)') }} as full_points,
        {{ divide_down('greatest(paid_fen, 0) * rate', '100000000') }} as uncapped_points
    from rated

),

outcomes as (

    select
        *,
        case
            when account_id is null then 'anonymous'
            when member_id is null then 'unknown_account'
            when is_in_legacy_balance then 'in_legacy_balance'
            when rate is null then 'no_rule_in_force'
            when is_excluded_channel then 'channel_excluded'
            when is_discounted then 'discounted'
            when paid_fen <= 0 then 'nothing_paid'
            when full_points = 0 then 'below_one_point'
            else 'awarded'
        end as outcome
    from priced

)

select * from outcomes
