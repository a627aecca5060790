-- Of the price of its orders, what is allocated to each cohort's points by relative stand-alone prices, and how many of
-- them are expected to be used: by the estimate in force at the month's end, and by the one a month before. A point is
-- worth what its issuer is paid for it, as likely as it was to be redeemed when it was issued.
with progress as (

    select
        *,
        least({{ add_days(add_months('issue_month', '1'), '-1') }}, statement_date) as issue_date
    from {{ ref('int_breakage_progress') }}

),

estimates as (

    select * from {{ ref('int_rules__redemption_estimates') }}

),

prices as (

    select * from {{ ref('int_rules__settlement_prices') }}

),

estimated as (

    select
        progress.*,
        estimates.rule_id,
        estimates.redeemed_per_10000,
        coalesce(lag(estimates.redeemed_per_10000) over (
            partition by progress.issuer_business, progress.issue_month
            order by progress.period_month
        ), estimates.redeemed_per_10000) as previous_redeemed_per_10000,
        {{ whole_share(
            'greatest(issued_points, 0) * prices.reimbursement_price_micro_fen',
            'estimates_then.redeemed_per_10000', '10000000000') }} as stand_alone_fen
    from progress
    inner join estimates
        on progress.issuer_business = estimates.issuer_business
        and progress.issue_month >= estimates.issued_from_date
        and progress.issue_month < estimates.issued_until_date
        and progress.statement_date >= estimates.valid_from_date
        and progress.statement_date < estimates.valid_until_date
    inner join estimates as estimates_then
        on progress.issuer_business = estimates_then.issuer_business
        and progress.issue_month >= estimates_then.issued_from_date
        and progress.issue_month < estimates_then.issued_until_date
        and progress.issue_date >= estimates_then.valid_from_date
        and progress.issue_date < estimates_then.valid_until_date
    inner join prices
        on progress.issuer_business = prices.issuer_business
        and progress.issuer_business = prices.redeemer_business
        and progress.issue_date >= prices.valid_from_date
        and progress.issue_date < prices.valid_until_date

),

allocated as (

    select
        *,
        case
            when paid_fen > 0 and issued_points > 0 and kept_points > 0
                then {{ whole_share(
                    whole_share('paid_fen', 'stand_alone_fen', '(paid_fen + stand_alone_fen)'),
                    'kept_points', 'issued_points') }}
            else 0
        end as allocated_fen
    from estimated

)

select * from allocated
