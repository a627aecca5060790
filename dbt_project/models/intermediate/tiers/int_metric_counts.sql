-- Value of what activities count as: so much each, or for each night (quantity). The refund that leaves nothing of an
-- order takes it back on its own date.
with fed as (

    select * from {{ ref('int_fed_activities') }}
    where unit in ('activity', 'quantity')

),

full_refunds as (

    select * from {{ ref('int_full_refunds') }}

),

earned as (

    select
        activity_id,
        source,
        account_id,
        occurred_at,
        business_date,
        business_date as origin_date,
        metric,
        case when unit = 'activity' then value else value * coalesce(quantity, 0) end as value
    from fed

),

taken_back as (

    select
        full_refunds.activity_id,
        earned.source,
        earned.account_id,
        full_refunds.occurred_at,
        full_refunds.business_date,
        earned.business_date as origin_date,
        earned.metric,
        -earned.value as value
    from full_refunds
    inner join earned on full_refunds.order_activity_id = earned.activity_id

),

both_ways as (

    select * from earned
    union all
    select * from taken_back

)

select * from both_ways
