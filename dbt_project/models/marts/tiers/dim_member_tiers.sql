-- The tier that holds on the morning after the night, and the growth value that is missing to the next one.
with current_tiers as (

    select * from {{ ref('int_current_tiers') }}

),

growth as (

    select member_id, metric_value
    from {{ ref('int_member_metrics') }}
    where purpose = 'reach' and metric = 'growth'

),

-- A way counts if growth alone is missing to it: of each of its groups enough lines hold once growth does.
condition_groups as (

    select
        member_id,
        way_number,
        group_number,
        case
            when sum(case when missing_value = 0 then 1 else 0 end) >= max(needed_count) then 0
            else max(case when metric = 'growth' then missing_value end)
        end as growth_missing,
        sum(case when missing_value = 0 or metric = 'growth' then 1 else 0 end) >= max(needed_count) as holds_then
    from {{ ref('fct_tier_progress') }}
    where purpose = 'reach'
    group by member_id, way_number, group_number

),

ways as (

    select
        member_id,
        way_number,
        max(growth_missing) as growth_missing
    from condition_groups
    group by member_id, way_number
    having min(case when holds_then then 1 else 0 end) = 1

),

missing as (

    select
        member_id,
        min(growth_missing) as growth_missing
    from ways
    group by member_id

),

member_tiers as (

    select
        current_tiers.member_id,
        current_tiers.tier,
        current_tiers.tier_name,
        current_tiers.tier_rank,
        current_tiers.effective_date as valid_from_date,
        {{ add_days('current_tiers.period_end_date', '1') }} as valid_until_date,
        coalesce(growth.metric_value, 0) as growth_value,
        current_tiers.next_tier,
        case when current_tiers.next_tier is null then 0 else missing.growth_missing end as growth_missing
    from current_tiers
    left join growth on current_tiers.member_id = growth.member_id
    left join missing on current_tiers.member_id = missing.member_id

)

select * from member_tiers
