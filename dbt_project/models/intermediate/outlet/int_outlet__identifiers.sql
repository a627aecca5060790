with customers as (

    select * from {{ ref('stg_outlet__customers') }}

),

identifiers as (

    select
        'outlet' as source,
        account_id,
        'mobile' as identifier_type,
        mobile_token as identifier_token,
        false as is_verified,
        registered_date as first_seen_date,
        load_date as last_seen_date,
        cast(null as date) as valid_until_date
    from customers
    where mobile_token is not null

)

select * from identifiers
