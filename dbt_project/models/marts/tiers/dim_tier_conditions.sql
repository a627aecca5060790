with conditions as (

    select
        conditions.rule_id,
        conditions.tier,
        conditions.tier_rank,
        conditions.purpose,
        conditions.way_number,
        conditions.group_number,
        conditions.needed_count,
        conditions.metric,
        metrics.metric_name,
        conditions.at_least,
        conditions.valid_from_date,
        conditions.valid_until_date
    from {{ ref('int_rules__tier_conditions') }} as conditions
    inner join {{ ref('int_rules__tier_metrics') }} as metrics on conditions.metric = metrics.metric

)

select * from conditions
