-- I3: over all businesses and the fund every day and every period nets to 0 fen.
with sides as (

    select * from {{ ref('int_settlement_sides') }}

),

balances as (

    select * from {{ ref('fct_settlement_balances') }}

),

each_one as (

    select sum(receivable_fen) - sum(payable_fen) <> 0 as is_violation
    from sides
    group by posted_date
    union all
    select sum(receivable_fen) - sum(payable_fen) <> 0 or sum(closing_fen) <> 0 as is_violation
    from balances
    group by period_month

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
