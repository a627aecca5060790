-- I3: over all parties every day and every period nets to 0 fen, with what was paid, too; and what each party is owed is what
-- its counterparties owe it, one by one.
with sides as (

    select * from {{ ref('int_settlement_sides') }}

),

balances as (

    select * from {{ ref('fct_settlement_balances') }}

),

pairs as (

    select
        period_month,
        party,
        sum(payments_fen) as payments_fen,
        sum(closing_fen) as closing_fen
    from {{ ref('fct_counterparty_balances') }}
    group by period_month, party

),

each_one as (

    select sum(receivable_fen) - sum(payable_fen) <> 0 as is_violation
    from sides
    group by posted_date
    union all
    select
        sum(receivable_fen) - sum(payable_fen) <> 0
            or sum(payments_fen) <> 0
            or sum(closing_fen) <> 0 as is_violation
    from balances
    group by period_month
    union all
    select
        coalesce(balances.payments_fen, 0) <> coalesce(pairs.payments_fen, 0)
            or coalesce(balances.closing_fen, 0) <> coalesce(pairs.closing_fen, 0) as is_violation
    from balances
    full outer join pairs
        on balances.period_month = pairs.period_month
        and balances.party = pairs.party

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
