-- Purchases that make points last longer: so many points for their paid amount, by the rule of expiry of their own
-- business and day. A later refund leaves the renewal alone. What is inside a legacy balance renews nothing.
with orders as (

    select * from {{ ref('int_rated_orders') }}
    where member_id is not null

),

rules as (

    select * from {{ ref('int_rules__expiry') }}

),

renewals as (

    select
        orders.member_id,
        orders.source,
        orders.account_id,
        orders.activity_id,
        orders.activity_type,
        orders.business_date,
        orders.occurred_at,
        orders.business,
        {{ divide_down('orders.paid_fen * rules.renewal_points_per_10000_fen', '10000') }} as points,
        rules.rule_id
    from orders
    inner join rules
        on orders.business = rules.business
        and orders.business_date >= rules.valid_from_date
        and orders.business_date < rules.valid_until_date
        and rules.renewal_points_per_10000_fen is not null
    where orders.paid_fen > 0
        and not coalesce(orders.is_in_legacy_balance, false)

)

select * from renewals
