{{ config(materialized='table') }}

-- Accounts of which other entries are derived than were posted, found by one number an account: most of whom a night
-- touches end as they were, and grouping their entries by every column costs ten times as much.
with both_sides as (

    select
        source,
        account_id,
        {{ content_number(points_entry_content()) }} * points as difference,
        0 as posted_count
    from {{ ref('int_points_derived') }}
    union all
    select
        source,
        account_id,
        -{{ content_number(points_entry_content()) }} * points as difference,
        1 as posted_count
    from {{ ref('int_points_posted') }}

),

differing as (

    select
        source,
        account_id,
        max(posted_count) = 1 as is_posted
    from both_sides
    group by source, account_id
    having sum(difference) <> 0

)

select * from differing
