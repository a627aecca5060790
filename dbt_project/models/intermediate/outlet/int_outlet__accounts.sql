with customers as (

    select * from {{ ref('stg_outlet__customers') }}

),

accounts as (

    select
        'outlet' as source,
        account_id,
        registered_date as first_seen_date,
        cast(null as string) as gender,
        cast(null as bigint) as birth_year,
        name_masked,
        mobile_masked,
        is_marketing_consented
    from customers

)

select * from accounts
