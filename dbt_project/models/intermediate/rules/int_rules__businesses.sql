with rules as (

    {{ written_tonight(source('rules', 'businesses')) }}

),

named as (

    select
        business,
        business_name,
        legal_entity_name,
        unified_social_credit_code
    from rules

)

select * from named
