-- What people do besides paying, as rules see it: the member and the tier of that day.
with activities as (

    select activities.*
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_touched_activities') }} as touched on activities.activity_id = touched.activity_id
    where activities.activity_type in ('check_in', 'survey', 'share', 'referral')

),

of_anybody as (

    {{ with_member_and_tier('activities') }}

),

behaviours as (

    select * from of_anybody
    where member_id is not null

)

select * from behaviours
