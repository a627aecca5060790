with rules as (

    select * from {{ source('rules', 'fund') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.party,
        rules.party_name
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
