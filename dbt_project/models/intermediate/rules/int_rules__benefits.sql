with rules as (

    select * from {{ source('rules', 'benefits') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.benefit,
        rules.benefit_name,
        rules.business,
        rules.lowest_tier,
        rules.quantity,
        rules.quantity_unit,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rules.rule_id
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
