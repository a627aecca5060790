-- Value of money paid: whole units for each ¥100, by the feed. A refund takes back on its own date what is no longer
-- earned, and remembers the date of its order.
with fed as (

    select * from {{ ref('int_fed_activities') }}
    where unit = 'paid_10000_fen'

),

refunds as (

    select * from {{ ref('int_refunds') }}

),

earned as (

    select
        activity_id,
        source,
        account_id,
        business,
        is_pending_counted,
        occurred_at,
        business_date,
        business_date as origin_date,
        metric,
        {{ divide_down('greatest(paid_fen, 0) * value', '10000') }} as value
    from fed

),

taken_back as (

    select
        refunds.activity_id,
        refunds.source,
        refunds.account_id,
        fed.business,
        fed.is_pending_counted,
        refunds.occurred_at,
        refunds.business_date,
        refunds.order_date as origin_date,
        fed.metric,
        {{ divide_down('refunds.remaining_after_fen * fed.value', '10000') }}
        - {{ divide_down('refunds.remaining_before_fen * fed.value', '10000') }} as value
    from refunds
    inner join fed on refunds.order_activity_id = fed.activity_id

),

both_ways as (

    select * from earned
    union all
    select * from taken_back

)

select * from both_ways
