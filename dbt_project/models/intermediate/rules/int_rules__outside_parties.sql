with rules as (

    {{ written_tonight(source('rules', 'outside_parties')) }}

),

named as (

    select
        party,
        party_name,
        legal_entity_name,
        unified_social_credit_code
    from rules

)

select * from named
