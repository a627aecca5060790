with guests as (

    select * from {{ ref('stg_hotel__guests') }}

),

tokens as (

    select
        account_id,
        created_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'mobile' as identifier_type,
        mobile_token as identifier_token,
        false as is_verified
    from guests
    union all
    select
        account_id,
        created_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'email' as identifier_type,
        email_token as identifier_token,
        false as is_verified
    from guests
    union all
    select
        account_id,
        created_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date,
        'id_document' as identifier_type,
        id_document_token as identifier_token,
        true as is_verified
    from guests

),

identifiers as (

    select
        'hotel' as source,
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
