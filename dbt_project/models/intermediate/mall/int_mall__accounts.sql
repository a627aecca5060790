with members as (

    select * from {{ ref('stg_pos__members') }}

),

accounts as (

    select
        'pos' as source,
        account_id,
        registered_date as first_seen_date,
        gender as gender,
        birth_year as birth_year,
        name_masked as name_masked,
        mobile_masked,
        is_marketing_consented
    from members

)

select * from accounts
