-- What people do besides paying, as rules see it: the member and the tier of that day. Not what is inside a legacy
-- balance.
with activities as (

    select activities.*
    from {{ ref('int_touched_activities') }} as activities
    left join {{ ref('int_rules__migrations') }} as migrations
        on activities.business = migrations.business
        and activities.business_date <= migrations.cut_over_date
    where activities.activity_type in ('check_in', 'survey', 'share', 'referral')
        and activities.member_id is not null
        and migrations.business is null

),

behaviours as (

    {{ with_tier('activities') }}

)

select * from behaviours
