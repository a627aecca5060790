with events as (

    select * from {{ ref('stg_miniprogram__events') }}

),

behaviours as (

    select
        'miniprogram' as source,
        event_id,
        account_id,
        event_type,
        occurred_at,
        business_date,
        page,
        item_id,
        offer_id,
        referred_account_id,
        reward_points,
        source_file,
        source_row,
        load_date
    from events

)

select * from behaviours
