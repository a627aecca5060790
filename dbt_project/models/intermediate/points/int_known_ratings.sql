-- Outcomes as they were believed after the last night: of each, the version posted last, unless that withdrew it.
with posted as (

    select * from {{ ref('int_posted__rating_outcomes') }}

),

replaced as (

    select
        activity_id,
        rule,
        replaces_posted_date
    from posted
    where replaces_posted_date is not null

),

known as (

    select posted.*
    from posted
    left join replaced
        on posted.activity_id = replaced.activity_id
        and posted.rule = replaced.rule
        and posted.posted_date = replaced.replaces_posted_date
    where replaced.activity_id is null
        and not posted.is_withdrawn

)

select * from known
