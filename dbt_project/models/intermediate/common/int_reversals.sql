{{ config(materialized='table') }}

-- Activities that take another one back: refunds, and points given back. A table, for of how many a filter leaves DuckDB
-- guesses a fifth, and would rather keep every order in memory than these few.
with activities as (

    select * from {{ ref('int_activities') }}

),

reversals as (

    select
        activity_id,
        activity_type,
        business,
        source,
        account_id,
        occurred_at,
        business_date,
        load_date,
        paid_fen,
        reverses_activity_id
    from activities
    where reverses_activity_id is not null

)

select * from reversals
