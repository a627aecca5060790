{{ config(materialized='table') }}

-- The tier that each member holds on the morning after the night; who never changed is in the lowest one.
with members as (

    select distinct member_id
    from {{ ref('int_member_links') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

tiers as (

    select * from {{ ref('int_tier_rules') }}

),

lowest as (

    select tier from tiers
    where tier_rank = 0

),

current_changes as (

    select timeline.*
    from {{ ref('int_tier_timeline') }} as timeline
    cross join tonight
    where timeline.effective_date <= {{ add_days('tonight.business_date', '1') }}
        and coalesce(timeline.valid_until_date, cast('9999-12-31' as date))
            > {{ add_days('tonight.business_date', '1') }}

),

current_tiers as (

    select
        members.member_id,
        tiers.tier,
        tiers.tier_name,
        tiers.tier_rank,
        tiers.next_tier,
        current_changes.effective_date,
        current_changes.period_end_date
    from members
    cross join lowest
    left join current_changes on members.member_id = current_changes.member_id
    inner join tiers on coalesce(current_changes.to_tier, lowest.tier) = tiers.tier

)

select * from current_tiers
