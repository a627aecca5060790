{{ config(materialized='table') }}

-- What was believed before of activities that tonight's postings correct or withdraw.
with corrections as (

    select activity_id, replaces_posted_date
    from {{ ref('int_activity_postings') }}
    where replaces_posted_date is not null

),

replaced as (

    select posted.*
    from {{ ref('int_posted__activities') }} as posted
    inner join corrections
        on posted.activity_id = corrections.activity_id
        and posted.posted_date = corrections.replaces_posted_date

)

select * from replaced
