{{ config(materialized='table') }}

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

postings as (

    {{ lines_by_difference(ref('int_order_lines'), 'posted') }}

)

select * from postings
