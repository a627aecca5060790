with rules as (

    select * from {{ source('rules', 'earning') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.business,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rules.points_per_10000_fen,
        rules.multiplier_percent,
        rules.expiry_months,
        rules.refund_policy,
        rules.growth_percent,
        rules.rule_id
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
