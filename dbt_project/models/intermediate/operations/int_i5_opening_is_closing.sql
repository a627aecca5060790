-- I5: a month opens with what the one before closed with, points of every cohort are explained, where they were taken, too,
-- and end with what is in the lots, their fen are explained but for the rounding of nine figures, and a closed month still
-- says what it said when closed.
with balances as (

    select
        *,
        lag(closing_fen) over (partition by party order by period_month) as previous_closing_fen
    from {{ ref('fct_settlement_balances') }}

),

liability as (

    select
        *,
        lag(closing_points) over cohort as previous_closing_points,
        lag(closing_fen) over cohort as previous_closing_fen
    from {{ ref('fct_points_liability_cohorts') }}
    window cohort as (partition by issuer_business, issue_month order by period_month)

),

taken as (

    select
        issuer_business,
        issue_month,
        period_month,
        sum(redeemed_points) as redeemed_points
    from {{ ref('fct_points_liability_redeemers') }}
    group by issuer_business, issue_month, period_month

),

outstanding as (

    select
        issuer_business,
        sum(closing_points) as closing_points
    from {{ ref('fct_points_liability') }}
    where period_month = (select max(period_month) from {{ ref('fct_points_liability') }})
    group by issuer_business

),

lots as (

    select
        issuer_business,
        sum(remaining_points) as remaining_points
    from {{ ref('fct_points_lots') }}
    group by issuer_business

),

restated as (

    select * from {{ ref('int_restated_months') }}

),

-- The newest version of each month; a reopened month is held to nothing until it is frozen again.
closes as (

    select closes.*
    from {{ ref('int_closes') }} as closes
    left join restated on closes.period_month = restated.restated_month
    where closes.statement_version = coalesce(restated.statement_version, 1)

),

each_one as (

    select opening_fen <> coalesce(previous_closing_fen, 0) as is_violation
    from balances
    union all
    select
        opening_points <> coalesce(previous_closing_points, 0)
            or opening_fen <> coalesce(previous_closing_fen, 0)
            or opening_points + issued_points + restored_points - redeemed_points - expired_points
            - clawed_back_points - repaid_points + renewed_points <> closing_points
            or abs(rounding_fen) > 4 as is_violation
    from liability
    union all
    select coalesce(liability.redeemed_points, 0) <> coalesce(taken.redeemed_points, 0) as is_violation
    from taken
    full outer join (select * from liability where redeemed_points <> 0) as liability
        on taken.issuer_business = liability.issuer_business
        and taken.issue_month = liability.issue_month
        and taken.period_month = liability.period_month
    union all
    select outstanding.closing_points <> coalesce(lots.remaining_points, 0) as is_violation
    from outstanding
    left join lots on outstanding.issuer_business = lots.issuer_business
    union all
    select
        balances.closing_fen is null
            or balances.opening_fen <> closes.opening_fen
            or balances.receivable_fen <> closes.receivable_fen
            or balances.payable_fen <> closes.payable_fen
            or balances.closing_fen <> closes.closing_fen as is_violation
    from closes
    left join balances
        on closes.period_month = balances.period_month
        and closes.party = balances.party

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
