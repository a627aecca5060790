with vehicles as (

    select * from {{ ref('stg_parking__vehicles') }}

),

accounts as (

    select
        'parking' as source,
        account_id,
        bound_date as first_seen_date,
        cast(null as string) as gender,
        cast(null as bigint) as birth_year,
        cast(null as string) as name_masked,
        mobile_masked,
        is_marketing_consented
    from vehicles

)

select * from accounts
