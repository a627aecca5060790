-- What is missing to the next tier, and to keep the tier held on the day it is judged: one row for each line of the
-- condition.
with judgements as (

    select * from {{ ref('int_tier_judgements') }}

),

conditions as (

    select * from {{ ref('int_rules__tier_conditions') }}

),

member_metrics as (

    select * from {{ ref('int_member_metrics') }}

),

progress as (

    select
        judgements.member_id,
        judgements.purpose,
        judgements.tier,
        tiers.tier_name,
        conditions.way_number,
        conditions.group_number,
        conditions.needed_count,
        conditions.metric,
        metrics.metric_name,
        coalesce(member_metrics.metric_value, 0) as metric_value,
        conditions.at_least,
        greatest(conditions.at_least - coalesce(member_metrics.metric_value, 0), 0) as missing_value,
        judgements.window_start_date,
        judgements.judged_on_date,
        conditions.rule_id
    from judgements
    inner join conditions
        on judgements.tier = conditions.tier
        and judgements.purpose = conditions.purpose
        and judgements.judged_on_date >= conditions.valid_from_date
        and judgements.judged_on_date < conditions.valid_until_date
    inner join {{ ref('int_tier_rules') }} as tiers on judgements.tier = tiers.tier
    inner join {{ ref('int_rules__tier_metrics') }} as metrics on conditions.metric = metrics.metric
    left join member_metrics
        on judgements.member_id = member_metrics.member_id
        and judgements.purpose = member_metrics.purpose
        and conditions.metric = member_metrics.metric

)

select * from progress
