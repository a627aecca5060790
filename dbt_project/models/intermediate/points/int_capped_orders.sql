-- Each order with what the base rate gives for it: by its rate, or what the caps of the member's day and month leave.
-- What they leave is then the most that it gives for any remaining amount, as if the business gave no more for an order:
-- so refunds take back exactly that, and a percentage of the base is one of that.
with orders as (

    select * from {{ ref('int_rated_orders') }}

),

clipped as (

    select * from {{ ref('int_clipped_orders') }}

),

capped as (

    select
        orders.activity_id,
        orders.source,
        orders.account_id,
        orders.member_id,
        orders.business,
        orders.activity_type,
        orders.business_date,
        orders.occurred_at,
        orders.merchant_id,
        orders.channel,
        orders.category,
        orders.discount_fen,
        orders.paid_fen,
        orders.tier,
        orders.rate,
        orders.base_points,
        orders.multiplier_percent,
        orders.tier_multiplier_percent,
        orders.uncapped_points,
        orders.rule_id,
        orders.refund_policy,
        coalesce(clipped.left_points, orders.full_points) as full_points,
        coalesce(clipped.left_points, orders.most_points_per_order) as most_points_per_order,
        case when clipped.left_points = 0 then 'cap_reached' else orders.outcome end as outcome
    from orders
    left join clipped on orders.activity_id = clipped.activity_id

)

select * from capped
