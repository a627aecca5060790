with businesses as (

    select * from {{ ref('dim_businesses') }}

),

fund as (

    select * from {{ ref('int_rules__fund') }}

),

parties as (

    select
        business as party,
        business_name as party_name,
        legal_entity_name,
        unified_social_credit_code
    from businesses
    union all
    select
        party,
        party_name,
        cast(null as string) as legal_entity_name,
        cast(null as string) as unified_social_credit_code
    from fund

)

select * from parties
