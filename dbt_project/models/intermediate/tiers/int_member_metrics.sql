{{ config(materialized='table') }}

-- What counts so far of each metric in the window of each judgement: a refund only if what it takes back lies in it, or
-- an upgrade carried something on.
with judgements as (

    select * from {{ ref('int_tier_judgements') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

counted as (

    select
        judgements.member_id,
        judgements.purpose,
        tier_values.metric,
        tier_values.value
    from judgements
    cross join tonight
    inner join {{ ref('int_tier_values') }} as tier_values
        on judgements.member_id = tier_values.member_id
        and tier_values.business_date >= judgements.counted_from_date
        and tier_values.business_date <= tonight.business_date
        and (judgements.is_carried or tier_values.origin_date >= judgements.window_start_date)
    union all
    select
        judgements.member_id,
        judgements.purpose,
        carried.metric,
        carried.carried_value as value
    from judgements
    inner join {{ ref('int_tier_carried') }} as carried on judgements.member_id = carried.member_id
    where judgements.is_carried

),

metrics as (

    select
        member_id,
        purpose,
        metric,
        cast(sum(value) as bigint) as metric_value
    from counted
    group by member_id, purpose, metric

)

select * from metrics
