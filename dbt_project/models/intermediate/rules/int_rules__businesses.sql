with rules as (

    select * from {{ source('rules', 'businesses') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tonights_rules as (

    select
        rules.business,
        rules.business_name,
        rules.legal_entity_name,
        rules.unified_social_credit_code
    from rules
    inner join tonight on rules.load_date = tonight.business_date

)

select * from tonights_rules
