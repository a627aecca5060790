-- Outcomes, with the version of the tier's multiplier where it took part: in the base rate, and in what gives a share of it.
with ratings as (

    select * from {{ ref('int_rating_outcomes') }}

),

tiers as (

    select * from {{ ref('int_rules__tiers') }}

),

shares_of_base as (

    select distinct rule_id
    from {{ ref('int_rules__bonus_rules') }}
    where percent_of_base is not null

),

outcomes as (

    select
        ratings.activity_id,
        ratings.rule,
        ratings.business,
        ratings.member_id,
        ratings.account_id,
        ratings.business_date,
        ratings.outcome,
        ratings.points,
        ratings.base_points,
        ratings.business_multiplier_percent,
        ratings.tier,
        ratings.tier_multiplier_percent,
        ratings.clipped_points,
        ratings.rule_id,
        tiers.rule_id as tier_rule_id
    from ratings
    left join shares_of_base on ratings.rule_id = shares_of_base.rule_id
    left join tiers
        on ratings.tier = tiers.tier
        and ratings.price_date >= tiers.valid_from_date
        and ratings.price_date < tiers.valid_until_date
        and (ratings.tier_multiplier_percent is not null or shares_of_base.rule_id is not null)

)

select * from outcomes
