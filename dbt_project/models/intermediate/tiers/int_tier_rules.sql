-- Tiers in force tonight, with their thresholds.
with tiers as (

    select * from {{ ref('int_rules__tiers') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

in_force as (

    select
        tiers.tier,
        tiers.tier_name,
        tiers.tier_rank,
        tiers.growth_threshold,
        tiers.rule_id
    from tiers
    inner join tonight
        on tiers.valid_from_date <= tonight.business_date
        and tiers.valid_until_date > tonight.business_date

)

select * from in_force
