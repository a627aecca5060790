{{ config(materialized='file') }}

-- What the tier fold reads of touched members: what moves a metric, and locks, which are decided on the evening before
-- their first day.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

touched_members as (

    select * from {{ ref('int_touched_members') }}

),

moves as (

    select
        links.member_id,
        account_values.business_date,
        account_values.occurred_at,
        account_values.activity_id,
        account_values.metric,
        account_values.value,
        account_values.origin_date
    from {{ ref('int_account_values') }} as account_values
    inner join {{ ref('int_touched_links') }} as links
        on account_values.source = links.source
        and account_values.account_id = links.account_id
    where account_values.value <> 0
    union all
    select
        visits.member_id,
        visits.business_date,
        visits.occurred_at,
        visits.activity_id,
        visits.metric,
        visits.value,
        visits.origin_date
    from {{ ref('int_metric_visits') }} as visits
    inner join touched_members on visits.member_id = touched_members.member_id

),

all_events as (

    select
        moves.*,
        cast(null as string) as lock_tier,
        cast(null as date) as lock_until_date,
        cast(null as string) as lock_reason
    from moves
    union all
    select
        locks.member_id,
        {{ add_days('locks.from_date', '-1') }} as business_date,
        cast({{ add_days('locks.from_date', '-1') }} as timestamp) as occurred_at,
        locks.reason as activity_id,
        cast(null as string) as metric,
        cast(0 as bigint) as value,
        cast(null as date) as origin_date,
        locks.tier as lock_tier,
        locks.until_date as lock_until_date,
        locks.reason as lock_reason
    from {{ ref('int_tier_locks') }} as locks
    inner join touched_members on locks.member_id = touched_members.member_id

),

events as (

    select all_events.*
    from all_events
    inner join tonight on all_events.business_date <= tonight.business_date
    order by
        all_events.member_id, all_events.business_date, all_events.occurred_at, all_events.activity_id,
        all_events.metric, all_events.value, all_events.origin_date, all_events.lock_tier,
        all_events.lock_until_date

)

select * from events
