with members as (

    select * from {{ ref('stg_pos__members') }}

),

tokens as (

    select
        account_id,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'mobile' as identifier_type,
        mobile_token as identifier_token,
        is_mobile_verified as is_verified
    from members
    union all
    select
        account_id,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'card_number' as identifier_type,
        card_no_token as identifier_token,
        true as is_verified
    from members
    union all
    select
        account_id,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'unionid' as identifier_type,
        unionid_token as identifier_token,
        true as is_verified
    from members
    union all
    select
        account_id,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'plate' as identifier_type,
        plate_no_token as identifier_token,
        false as is_verified
    from members

),

identifiers as (

    select
        'pos' as source,
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
