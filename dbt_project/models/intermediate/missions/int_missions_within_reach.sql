-- Who would reach the next tier once so much of a mission's metric has come, and how much: of each way of the condition
-- all groups must hold then; of several ways the nearest counts.
with rules as (

    select rules.*
    from {{ ref('int_rules__missions') }} as rules
    inner join {{ ref('int_tonight') }} as tonight
        on rules.valid_from_date <= tonight.business_date
        and rules.valid_until_date > tonight.business_date

),

lines as (

    select
        rules.mission,
        progress.member_id,
        progress.tier,
        progress.way_number,
        progress.group_number,
        progress.needed_count,
        progress.missing_value,
        progress.metric = rules.metric
            and progress.missing_value between 1 and rules.missing_at_most as is_near
    from rules
    inner join {{ ref('fct_tier_progress') }} as progress
        on progress.purpose = 'reach'
        and {{ is_listed('progress.tier', 'rules.tiers') }}

),

condition_groups as (

    select
        mission,
        member_id,
        tier,
        way_number,
        group_number,
        max(case when is_near then missing_value end) as near_value,
        sum(case when missing_value = 0 or is_near then 1 else 0 end) >= max(needed_count) as holds_then
    from lines
    group by mission, member_id, tier, way_number, group_number

),

ways as (

    select
        mission,
        member_id,
        tier,
        way_number,
        max(near_value) as missing_value
    from condition_groups
    group by mission, member_id, tier, way_number
    having min(case when holds_then then 1 else 0 end) = 1
        and max(near_value) is not null

),

within_reach as (

    select
        mission,
        member_id,
        tier,
        min(missing_value) as missing_value
    from ways
    group by mission, member_id, tier

)

select * from within_reach
