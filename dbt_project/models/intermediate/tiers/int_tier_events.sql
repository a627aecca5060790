{{ config(materialized='file') }}

-- What the tier fold reads of touched members: what moves a metric, and locks, which are decided on the evening before
-- their first day.
with tier_values as (

    select * from {{ ref('int_tier_values') }}

),

locks as (

    select
        locks.*,
        {{ add_days('locks.from_date', '-1') }} as business_date
    from {{ ref('int_tier_locks') }} as locks

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

all_events as (

    select
        member_id, business_date, occurred_at, activity_id, metric, value, origin_date,
        cast(null as string) as lock_tier, cast(null as date) as lock_until_date, cast(null as string) as lock_reason
    from tier_values
    union all
    select
        locks.member_id,
        locks.business_date,
        cast(locks.business_date as timestamp) as occurred_at,
        locks.reason as activity_id,
        cast(null as string) as metric,
        cast(0 as bigint) as value,
        cast(null as date) as origin_date,
        locks.tier as lock_tier,
        locks.until_date as lock_until_date,
        locks.reason as lock_reason
    from locks
    inner join tonight on locks.business_date <= tonight.business_date

),

events as (

    select all_events.*
    from all_events
    inner join {{ ref('int_touched_members') }} as touched on all_events.member_id = touched.member_id
    order by
        all_events.member_id, all_events.business_date, all_events.occurred_at, all_events.activity_id,
        all_events.metric, all_events.value, all_events.origin_date, all_events.lock_tier,
        all_events.lock_until_date

)

select * from events
