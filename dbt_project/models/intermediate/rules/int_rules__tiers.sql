with rules as (

    select * from {{ source('rules', 'tiers') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.tier,
        rules.tier_name,
        rules.tier_rank,
        rules.growth_threshold,
        rules.points_multiplier_percent,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rules.rule_id
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
