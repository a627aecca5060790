-- Value of what activities count as: so much each, or for each night (quantity). The refund that leaves nothing of an
-- order takes it back on its own date.
with earned as (

    select
        activity_id,
        source,
        account_id,
        occurred_at,
        business_date,
        business_date as origin_date,
        metric,
        case when unit = 'activity' then value else value * coalesce(quantity, 0) end as value
    from {{ ref('int_fed_activities') }}
    where unit in ('activity', 'quantity')

),

taken_back as (

    select
        activity_id,
        source,
        account_id,
        occurred_at,
        business_date,
        order_date as origin_date,
        metric,
        case when unit = 'activity' then -value else -value * coalesce(quantity, 0) end as value
    from {{ ref('int_fed_refunds') }}
    where unit in ('activity', 'quantity')
        and is_full

),

both_ways as (

    select * from earned
    union all
    select * from taken_back

)

select * from both_ways
