-- The tier that holds on the morning after the night, and what is missing to the next one.
with members as (

    select distinct member_id
    from {{ ref('int_member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

timeline as (

    select * from {{ ref('int_tier_timeline') }}

),

tiers as (

    select * from {{ ref('int_tier_rules') }}

),

growth as (

    select * from {{ ref('int_member_growth') }}

),

current_changes as (

    select timeline.*
    from timeline
    cross join tonight
    where timeline.effective_date <= {{ add_days('tonight.business_date', '1') }}
        and coalesce(timeline.valid_until_date, cast('9999-12-31' as date))
            > {{ add_days('tonight.business_date', '1') }}

),

member_tiers as (

    select
        members.member_id,
        tiers.tier,
        tiers.tier_name,
        tiers.tier_rank,
        current_changes.effective_date as valid_from_date,
        {{ add_days('current_changes.period_end_date', '1') }} as valid_until_date,
        coalesce(growth.growth_value, 0) as growth_value,
        next_tiers.tier as next_tier,
        greatest(next_tiers.growth_threshold - coalesce(growth.growth_value, 0), 0) as growth_missing
    from members
    left join current_changes on members.member_id = current_changes.member_id
    left join growth on members.member_id = growth.member_id
    inner join tiers on coalesce(current_changes.to_tier, 'basic') = tiers.tier
    left join tiers as next_tiers on tiers.tier_rank + 1 = next_tiers.tier_rank

)

select * from member_tiers
