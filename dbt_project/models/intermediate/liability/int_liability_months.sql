-- The months in which points moved, each with the day up to which it is stated, and what a point of each issuer is worth
-- on that day: what the issuer itself would be paid for it.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

months as (

    select distinct period_month
    from {{ ref('int_liability_movements') }}

),

stated as (

    select
        months.period_month,
        least({{ add_days(add_months('months.period_month', '1'), '-1') }}, tonight.business_date) as statement_date
    from months
    cross join tonight

),

businesses as (

    select business
    from {{ ref('int_rules__businesses') }}

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

valued as (

    select
        stated.period_month,
        stated.statement_date,
        businesses.business as issuer_business,
        coalesce(prices.reimbursement_price_micro_fen, 0) as value_micro_fen
    from stated
    cross join businesses
    left join prices
        on businesses.business = prices.issuer_business
        and businesses.business = prices.redeemer_business
        and stated.statement_date >= prices.valid_from_date
        and stated.statement_date < prices.valid_until_date

)

select * from valued
