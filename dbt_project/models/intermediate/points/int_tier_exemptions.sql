-- From which day on each member held which tier, where a rule of expiry exempts tiers: a day's first event.
with timeline as (

    select * from {{ ref('int_tier_timeline') }}

),

exempting_rules as (

    select count(*) as version_count
    from {{ ref('int_rules__expiry') }}
    where has_exempt_tiers

),

held as (

    select
        timeline.member_id,
        timeline.to_tier as tier,
        timeline.effective_date as business_date,
        cast('1970-01-01' as timestamp) as occurred_at
    from timeline
    inner join exempting_rules on exempting_rules.version_count > 0
    inner join {{ ref('int_tonight') }} as tonight on timeline.effective_date <= tonight.business_date

)

select * from held
