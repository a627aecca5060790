-- Value of money paid: whole units for each ¥100, by the feed. A refund takes back on its own date what is no longer
-- earned, and remembers the date of its order.
with earned as (

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
    from {{ ref('int_fed_activities') }}
    where unit = 'paid_10000_fen'

),

taken_back as (

    select
        activity_id,
        source,
        account_id,
        business,
        is_pending_counted,
        occurred_at,
        business_date,
        order_date as origin_date,
        metric,
        {{ divide_down('remaining_after_fen * value', '10000') }}
        - {{ divide_down('remaining_before_fen * value', '10000') }} as value
    from {{ ref('int_fed_refunds') }}
    where unit = 'paid_10000_fen'

),

both_ways as (

    select * from earned
    union all
    select * from taken_back

)

select * from both_ways
