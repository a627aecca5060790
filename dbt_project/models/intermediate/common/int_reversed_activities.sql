{{ config(materialized='file', joins_as_written=true) }}

-- Activities that another one takes back.
with activities as (

    select * from {{ ref('int_activities') }}

),

reversed as (

    select
        activity_id,
        activity_type,
        business,
        source,
        account_id,
        business_date,
        paid_fen,
        quantity
    from activities
    where activity_id in (select reverses_activity_id from {{ ref('int_reversals') }})

)

select * from reversed
