-- Every event of every night: for what analysts read, not for activities.
with source as (

    select * from {{ source('miniprogram', 'events') }}

),

latest as (
{{ latest_version('source', ['event_id']) }}
),

renamed as (

    select
        event_id,
        user_id as account_id,
        event_type,
        occurred_at,
        business_date,
        page,
        item_id,
        offer_id,
        referred_user_id as referred_account_id,
        reward_points,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
