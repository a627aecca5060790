-- Missions offered to members, and how far they have come: what the metric grew by on the mission's days, less what is
-- refunded of that on these days.
with missions as (

    select * from {{ ref('int_missions') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

grown as (

    select
        missions.mission_id,
        sum(tier_values.value) as progress_value
    from missions
    inner join {{ ref('int_tier_values') }} as tier_values
        on missions.member_id = tier_values.member_id
        and missions.metric = tier_values.metric
        and tier_values.business_date >= missions.valid_from_date
        and tier_values.business_date < missions.valid_until_date
        and tier_values.origin_date >= missions.valid_from_date
    group by missions.mission_id

),

member_missions as (

    select
        missions.mission_id,
        missions.mission,
        missions.mission_name,
        missions.business,
        missions.member_id,
        {{ add_days('missions.valid_from_date', '-1') }} as assigned_date,
        missions.valid_from_date,
        missions.valid_until_date,
        missions.tier as target_tier,
        missions.metric,
        missions.missing_value as target_value,
        cast(coalesce(grown.progress_value, 0) as bigint) as progress_value,
        completed.completed_date,
        case
            when completed.completed_date is not null then 'completed'
            when missions.valid_until_date <= {{ add_days('tonight.business_date', '1') }} then 'expired'
            else 'open'
        end as status,
        consents.member_id is not null as is_consented,
        missions.rule_id
    from missions
    cross join tonight
    left join {{ ref('int_marketing_consents') }} as consents
        on missions.member_id = consents.member_id
        and missions.business = consents.business
    left join grown on missions.mission_id = grown.mission_id
    left join {{ ref('int_completed_missions') }} as completed on missions.mission_id = completed.mission_id

)

select * from member_missions
