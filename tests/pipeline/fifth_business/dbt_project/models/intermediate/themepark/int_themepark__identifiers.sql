with passes as (

    select * from {{ ref('stg_tickets__passes') }}

),

identifiers as (

    select
        'tickets' as source,
        account_id,
        'mobile' as identifier_type,
        mobile_token as identifier_token,
        true as is_verified,
        issued_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date
    from passes
    where mobile_token is not null

)

select * from identifiers
