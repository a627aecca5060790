with users as (

    select * from {{ ref('stg_miniprogram__users') }}

),

accounts as (

    select
        'miniprogram' as source,
        account_id,
        registered_date as first_seen_date,
        gender,
        cast(null as bigint) as birth_year,
        cast(null as string) as name_masked,
        mobile_masked,
        is_marketing_consented
    from users

)

select * from accounts
