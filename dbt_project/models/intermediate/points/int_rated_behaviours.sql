-- What people do besides paying, as rules see it: the member and the tier of that day. Not what is inside a legacy
-- balance.
with activities as (

    select activities.*
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_touched_activities') }} as touched on activities.activity_id = touched.activity_id
    left join {{ ref('int_rules__migrations') }} as migrations
        on activities.business = migrations.business
        and activities.business_date <= migrations.cut_over_date
    where activities.activity_type in ('check_in', 'survey', 'share', 'referral')
        and migrations.business is null

),

of_anybody as (

    {{ with_member_and_tier('activities') }}

),

behaviours as (

    select * from of_anybody
    where member_id is not null

)

select * from behaviours
