with businesses as (

    select * from {{ ref('dim_businesses') }}

),

fund as (

    select * from {{ ref('int_rules__fund') }}

),

merchants as (

    select * from {{ ref('int_merchant_parties') }}

),

outside as (

    select * from {{ ref('int_rules__outside_parties') }}

),

parties as (

    select
        business as party,
        business_name as party_name,
        'business' as party_kind,
        legal_entity_name,
        unified_social_credit_code
    from businesses
    union all
    select
        party,
        party_name,
        'fund' as party_kind,
        cast(null as string) as legal_entity_name,
        cast(null as string) as unified_social_credit_code
    from fund
    union all
    select
        party,
        party_name,
        party_kind,
        legal_entity_name,
        unified_social_credit_code
    from merchants
    union all
    select
        party,
        party_name,
        'outside' as party_kind,
        legal_entity_name,
        unified_social_credit_code
    from outside

)

select * from parties
