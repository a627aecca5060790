-- What people do besides paying, as rules see it: the member and the tier of that day.
with activities as (

    select * from {{ ref('int_touched_activities') }}
    where activity_type in ('check_in', 'survey', 'share', 'referral')
        and member_id is not null

),

behaviours as (

    {{ with_tier('activities') }}

)

select * from behaviours
