-- I5: a month opens with what the one before closed with, and a closed month still says what it said when closed.
with balances as (

    select
        *,
        lag(closing_fen) over (partition by party order by period_month) as previous_closing_fen
    from {{ ref('fct_settlement_balances') }}

),

liability as (

    select
        *,
        lag(closing_points) over (partition by issuer_business order by period_month) as previous_closing_points
    from {{ ref('fct_points_liability') }}

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
    select opening_points <> coalesce(previous_closing_points, 0) as is_violation
    from liability
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
