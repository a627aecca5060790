-- Tiers in force tonight, with their thresholds.
with tiers as (

    select * from {{ source('rules', 'tiers') }}

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
        on tiers.load_date = tonight.business_date
        and tiers.valid_from_date <= tonight.business_date
        and coalesce(tiers.valid_until_date, cast('9999-12-31' as date)) > tonight.business_date

)

select * from in_force
