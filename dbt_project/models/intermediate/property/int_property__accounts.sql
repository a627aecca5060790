with residents as (

    select * from {{ ref('stg_property__residents') }}

),

accounts as (

    select
        'property' as source,
        account_id,
        moved_in_date as first_seen_date,
        cast(null as string) as gender,
        cast(null as bigint) as birth_year,
        name_masked as name_masked,
        mobile_masked,
        is_marketing_consented
    from residents

)

select * from accounts
