with vehicles as (

    select * from {{ ref('stg_parking__vehicles') }}

),

tokens as (

    select
        account_id,
        bound_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'mobile' as identifier_type,
        mobile_token as identifier_token,
        true as is_verified
    from vehicles
    union all
    select
        account_id,
        bound_date as first_seen_date,
        load_date as last_seen_date,
        unbound_date as valid_until_date,
        'plate' as identifier_type,
        plate_no_token as identifier_token,
        true as is_verified
    from vehicles

),

identifiers as (

    select
        'parking' as source,
        account_id,
        identifier_type,
        identifier_token,
        is_verified,
        first_seen_date,
        last_seen_date,
        valid_until_date
    from tokens
    where identifier_token is not null

)

select * from identifiers
