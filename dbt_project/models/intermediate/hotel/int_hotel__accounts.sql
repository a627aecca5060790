with guests as (

    select * from {{ ref('stg_hotel__guests') }}

),

accounts as (

    select
        'hotel' as source,
        account_id,
        created_date as first_seen_date,
        gender as gender,
        birth_year as birth_year,
        name_masked as name_masked,
        mobile_masked,
        is_marketing_consented
    from guests

)

select * from accounts
