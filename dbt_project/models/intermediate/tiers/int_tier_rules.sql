-- Tiers in force tonight, each with the next higher one.
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
        lead(tiers.tier) over (order by tiers.tier_rank) as next_tier,
        tiers.rule_id
    from tiers
    inner join tonight
        on tiers.valid_from_date <= tonight.business_date
        and tiers.valid_until_date > tonight.business_date

)

select * from in_force
