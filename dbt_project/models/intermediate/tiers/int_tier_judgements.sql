{{ config(materialized='table') }}

-- When each member is judged next, and by which window: about the next tier tonight, as every night; about the tier held
-- after its period and grace. What an upgrade deducted from counts no more.
with current_tiers as (

    select * from {{ ref('int_current_tiers') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

policies as (

    select * from {{ ref('int_rules__tier_policy') }}

),

joined as (

    select
        member_id,
        min(business_date) as joined_date
    from (
        select member_id, business_date from {{ ref('int_tier_values') }}
        union all
        select member_id, {{ add_days('from_date', '-1') }} as business_date from {{ ref('int_tier_locks') }}
    ) as events
    group by member_id

),

carried as (

    select
        member_id,
        min(counted_to_date) as counted_to_date
    from {{ ref('int_tier_carried') }}
    group by member_id

),

dated as (

    select
        current_tiers.member_id,
        'reach' as purpose,
        current_tiers.next_tier as tier,
        tonight.business_date as judged_on_date
    from current_tiers
    cross join tonight
    union all
    select
        current_tiers.member_id,
        'keep' as purpose,
        current_tiers.tier,
        greatest(
            {{ add_days('current_tiers.period_end_date', 'policies.grace_days') }}, tonight.business_date
        ) as judged_on_date
    from current_tiers
    cross join tonight
    inner join policies
        on policies.valid_from_date <= current_tiers.period_end_date
        and policies.valid_until_date > current_tiers.period_end_date

),

windows as (

    select
        dated.*,
        carried.counted_to_date,
        {{ tier_window_start('dated.judged_on_date', 'policies', 'coalesce(joined.joined_date, dated.judged_on_date)') }}
            as window_start_date
    from dated
    inner join policies
        on policies.valid_from_date <= dated.judged_on_date
        and policies.valid_until_date > dated.judged_on_date
    left join joined on dated.member_id = joined.member_id
    left join carried on dated.member_id = carried.member_id

),

judgements as (

    select
        member_id,
        purpose,
        tier,
        judged_on_date,
        window_start_date,
        coalesce(counted_to_date >= window_start_date, false) as is_carried,
        case
            when counted_to_date >= window_start_date then {{ add_days('counted_to_date', '1') }}
            else window_start_date
        end as counted_from_date
    from windows

)

select * from judgements
