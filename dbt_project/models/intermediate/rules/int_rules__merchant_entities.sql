with rules as (

    {{ written_tonight(source('rules', 'merchant_entities')) }}

),

named as (

    select
        business,
        merchant_id,
        legal_entity_name,
        unified_social_credit_code
    from rules

)

select * from named
