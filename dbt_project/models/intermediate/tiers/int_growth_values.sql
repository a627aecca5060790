{{ config(materialized='table') }}

-- Growth value: whole units for each ¥1 paid, weighted by business. A refund takes back on its own date what is
-- no longer earned, and remembers the date of its order.
with orders as (

    select * from {{ ref('int_orders') }}

),

refunds as (

    select * from {{ ref('int_refunds') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

earned as (

    select
        activity_id,
        source,
        account_id,
        occurred_at,
        business_date,
        business_date as origin_date,
        {{ divide_down('greatest(paid_fen, 0) * coalesce(growth_percent, 0)', '10000') }} as growth_value
    from orders

),

taken_back as (

    select
        refunds.activity_id,
        refunds.source,
        refunds.account_id,
        refunds.occurred_at,
        refunds.business_date,
        refunds.order_date as origin_date,
        {{ divide_down('refunds.remaining_after_fen * coalesce(orders.growth_percent, 0)', '10000') }}
        - {{ divide_down('refunds.remaining_before_fen * coalesce(orders.growth_percent, 0)', '10000') }}
            as growth_value
    from refunds
    inner join orders on refunds.order_activity_id = orders.activity_id

),

both_ways as (

    select * from earned
    union all
    select * from taken_back

),

growth_values as (

    select
        links.member_id,
        both_ways.activity_id,
        both_ways.occurred_at,
        both_ways.business_date,
        both_ways.origin_date,
        both_ways.growth_value
    from both_ways
    inner join links
        on both_ways.source = links.source
        and both_ways.account_id = links.account_id
    where both_ways.growth_value <> 0

)

select * from growth_values
