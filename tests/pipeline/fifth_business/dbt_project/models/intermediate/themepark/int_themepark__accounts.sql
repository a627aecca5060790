with passes as (

    select * from {{ ref('stg_tickets__passes') }}

),

accounts as (

    select
        'tickets' as source,
        account_id,
        issued_date as first_seen_date,
        cast(null as string) as gender,
        cast(null as bigint) as birth_year,
        name_masked,
        mobile_masked,
        is_marketing_consented
    from passes

)

select * from accounts
