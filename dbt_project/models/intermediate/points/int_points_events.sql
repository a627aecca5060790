{{ config(materialized='file') }}

-- Events of points in the order in which they count, member by member, as the fold reads them.
with events as (

    select * from {{ ref('int_unordered_points_events') }}

),

ordered as (

    select * from events
    order by member_id, business_date, occurred_at, event_rank, activity_id, lot_id, rule_id

)

select * from ordered
