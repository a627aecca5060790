{{ config(materialized='table') }}

-- Every member's tier changes as they are believed tonight: derived for touched members, posted for the others.
with touched as (

    select * from {{ ref('int_touched_members') }}

),

derived as (

    select * from {{ ref('int_tier_periods') }}

),

posted as (

    select
        changes.member_id,
        changes.change_number,
        changes.effective_date,
        changes.from_tier,
        changes.to_tier,
        changes.reason,
        changes.growth_value,
        changes.period_end_date
    from {{ ref('int_posted__tier_changes') }} as changes
    left join touched on changes.member_id = touched.member_id
    where touched.member_id is null
    group by
        changes.member_id,
        changes.change_number,
        changes.effective_date,
        changes.from_tier,
        changes.to_tier,
        changes.reason,
        changes.growth_value,
        changes.period_end_date
    having sum(case when changes.is_reversal then -1 else 1 end) = 1

),

changes as (

    select
        member_id, change_number, effective_date, from_tier, to_tier, reason, growth_value, period_end_date
    from derived
    union all
    select
        member_id, change_number, effective_date, from_tier, to_tier, reason, growth_value, period_end_date
    from posted

),

timeline as (

    select
        *,
        lead(effective_date) over (partition by member_id order by change_number) as valid_until_date
    from changes

)

select * from timeline
