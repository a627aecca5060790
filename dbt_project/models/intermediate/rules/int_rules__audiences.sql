with rules as (

    select * from {{ source('rules', 'audiences') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.audience,
        rules.audience_name,
        rules.kind,
        rules.limit_value,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rules.rule_id
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
