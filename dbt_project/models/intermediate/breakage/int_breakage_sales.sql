-- What was paid for the orders that earned each cohort's points, in the month in which their points were first posted;
-- of issuers of whose points an estimate says how many will be redeemed.
with estimates as (

    select distinct issuer_business
    from {{ ref('int_rules__redemption_estimates') }}

),

entries as (

    select * from {{ ref('int_points_entries') }}
    where entry_type in ('accrual', 'pending') and not is_reversal

),

activities as (

    select * from {{ ref('int_activities') }}

),

orders as (

    select
        entries.issuer_business,
        entries.activity_id,
        {{ month_of('min(entries.posted_date)') }} as period_month,
        {{ month_of('min_by(entries.price_date, entries.posted_date)') }} as issue_month
    from entries
    inner join estimates on entries.issuer_business = estimates.issuer_business
    group by entries.issuer_business, entries.activity_id

),

sales as (

    select
        orders.period_month,
        orders.issuer_business,
        orders.issue_month,
        sum(activities.paid_fen) as paid_fen
    from orders
    inner join activities on orders.activity_id = activities.activity_id
    group by orders.period_month, orders.issuer_business, orders.issue_month

)

select * from sales
