with rules as (

    select * from {{ source('rules', 'excluded_channels') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.business,
        rules.channel,
        rules.valid_from_date,
        coalesce(rules.valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
