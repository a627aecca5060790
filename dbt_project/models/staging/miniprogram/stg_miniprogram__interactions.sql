-- Of tonight's touched documents, the events that the programme may reward. Looking around and offers would outnumber
-- all other activities and move no points.
with source as (

    select * from {{ source('miniprogram', 'events') }}

),

latest as (
{{ latest_version('source', ['event_id'], 'event_id', ref('int_miniprogram__touched_documents')) }}
),

interactions as (

    select
        event_id,
        user_id as account_id,
        event_type,
        occurred_at,
        business_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest
    where event_type in ('check_in', 'survey', 'share', 'referral')

)

select * from interactions
