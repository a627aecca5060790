with businesses as (

    select * from {{ source('rules', 'businesses') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

named as (

    select
        businesses.business,
        businesses.business_name,
        businesses.legal_entity_name,
        businesses.unified_social_credit_code
    from businesses
    inner join tonight on businesses.load_date = tonight.business_date

)

select * from named
