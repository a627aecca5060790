{{ config(materialized='table', post_hook="{{ hand_over() }}") }}

with growth_values as (

    select * from {{ ref('int_growth_values') }}

),

touched as (

    select * from {{ ref('int_touched_members') }}

),

events as (

    select
        growth_values.member_id,
        growth_values.business_date,
        growth_values.occurred_at,
        growth_values.activity_id,
        growth_values.growth_value,
        growth_values.origin_date
    from growth_values
    inner join touched on growth_values.member_id = touched.member_id
    order by
        growth_values.member_id,
        growth_values.business_date,
        growth_values.occurred_at,
        growth_values.activity_id

)

select * from events
