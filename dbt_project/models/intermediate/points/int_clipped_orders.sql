{{ config(materialized='file') }}

-- Orders of which a business's caps of the day and the month leave the member less than the base rate gives, and what
-- they leave. Refunded or not, an order counts with what it was given, in the order of the member's activities. Only
-- orders of businesses that have such caps are looked at.
with caps as (

    select * from {{ ref('int_rules__base_caps') }}

),

businesses as (

    select distinct business from caps

),

awards as (

    select
        orders.activity_id,
        orders.member_id,
        orders.business,
        orders.business_date,
        orders.occurred_at,
        {{ month_of('orders.business_date') }} as month_date,
        orders.full_points,
        caps.points_per_day,
        caps.points_per_month
    from {{ ref('int_rated_orders') }} as orders
    inner join businesses on orders.business = businesses.business
    left join caps
        on orders.business = caps.business
        and orders.business_date >= caps.valid_from_date
        and orders.business_date < caps.valid_until_date
    where orders.outcome = 'awarded'

),

by_day as (

    select
        *,
        {{ clipped('full_points', 'points_per_day', none, 'business, business_date') }} as day_points
    from awards

),

by_month as (

    select
        *,
        {{ clipped('day_points', 'points_per_month', none, 'business, month_date') }} as left_points
    from by_day

),

clipped as (

    select
        activity_id,
        cast(left_points as bigint) as left_points
    from by_month
    where left_points < full_points

)

select * from clipped
