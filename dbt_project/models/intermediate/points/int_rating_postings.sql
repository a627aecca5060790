{{ config(materialized='file') }}

-- Outcomes by difference, as activities: of what was rated tonight, only what is new or other than last believed is
-- appended, and what no rule says any more is withdrawn.
with derived as (

    select * from {{ ref('int_ratings') }}

),

judged as (

    select activity_id from {{ ref('int_touched_activities') }}
    union all
    select activity_id from {{ ref('int_activity_postings') }}

),

known as (

    select *
    from {{ ref('int_known_ratings') }}
    where activity_id in (select activity_id from judged)

),

postings as (

    select
        {{ first_version('derived', 'known', ['activity_id', 'rule'], rating_content()) }},
        known.posted_date as replaces_posted_date,
        derived.activity_id is null as is_withdrawn
    from derived
    full outer join known
        on derived.activity_id = known.activity_id
        and derived.rule = known.rule
    where derived.activity_id is null
        or known.activity_id is null
        or {{ says_otherwise('derived', 'known', rating_content()) }}

)

select * from postings
