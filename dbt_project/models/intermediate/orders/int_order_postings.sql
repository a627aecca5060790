{{ config(materialized='file') }}

-- Tonight's settlement lines of orders and refunds: of the touched documents, and of those that are gone, what should be
-- there less what was posted.
with touched as (

    select activity_id from {{ ref('int_order_documents') }}
    union
    select activity_id from {{ ref('int_activity_postings') }}
    where is_withdrawn

),

posted as (

    select lines.*
    from {{ ref('int_posted__settlement_lines') }} as lines
    inner join touched on lines.activity_id = touched.activity_id
    where {{ is_order_movement('lines.movement_type') }}

),

posted_activities as (

    select distinct activity_id from posted

),

known_lines as (

    select lines.*
    from {{ ref('int_order_lines') }} as lines
    inner join posted_activities on lines.activity_id = posted_activities.activity_id

),

new_lines as (

    select lines.*
    from {{ ref('int_order_lines') }} as lines
    left join posted_activities on lines.activity_id = posted_activities.activity_id
    where posted_activities.activity_id is null

),

differences as (

    {{ line_differences('known_lines', 'posted') }}
    union all
    {{ first_differences('new_lines') }}

),

postings as (

    {{ lines_of_differences('differences') }}

)

select * from postings
