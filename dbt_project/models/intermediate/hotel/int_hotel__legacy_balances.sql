with balances as (

    select * from {{ ref('stg_hotel__legacy_balances') }}

),

legacy_balances as (

    select
        'hotel' as source,
        line_no,
        account_id,
        points as legacy_points,
        expires_on_date,
        tier_name as legacy_tier_name,
        as_of_date,
        source_file,
        source_row,
        load_date
    from balances

)

select * from legacy_balances
