-- The tier that holds on the morning after the night, and the growth value that is missing to the next one.
with current_tiers as (

    select * from {{ ref('int_current_tiers') }}

),

growth as (

    select member_id, metric_value
    from {{ ref('int_member_metrics') }}
    where purpose = 'reach' and metric = 'growth'

),

missing as (

    select
        member_id,
        min(missing_value) as growth_missing
    from {{ ref('fct_tier_progress') }}
    where purpose = 'reach' and metric = 'growth'
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
