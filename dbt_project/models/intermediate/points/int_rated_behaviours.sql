-- What people do besides paying, as rules see it: the member and the tier of that day.
with activities as (

    select activities.*
    from {{ ref('int_activities') }} as activities
    inner join {{ ref('int_touched_activities') }} as touched on activities.activity_id = touched.activity_id
    where activities.activity_type in ('check_in', 'survey', 'share', 'referral')

),

links as (

    select * from {{ ref('int_member_links') }}

),

timeline as (

    select * from {{ ref('int_tier_timeline') }}

),

behaviours as (

    select
        activities.*,
        links.member_id,
        coalesce(timeline.to_tier, 'basic') as tier
    from activities
    inner join links
        on activities.source = links.source
        and activities.account_id = links.account_id
    left join timeline
        on links.member_id = timeline.member_id
        and activities.business_date >= timeline.effective_date
        and activities.business_date < coalesce(timeline.valid_until_date, cast('9999-12-31' as date))

)

select * from behaviours
