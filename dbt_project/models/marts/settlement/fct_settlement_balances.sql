-- What each party is owed (+) or owes (-), month by month: what it opened with, what became due either way, what was paid. A month
-- opens with what the one before closed with.
with moved as (

    select
        period_month,
        party,
        receivable_fen,
        payable_fen,
        cast(0 as bigint) as payments_fen
    from {{ ref('fct_settlement_statements') }}
    union all
    select
        period_month,
        party,
        cast(0 as bigint) as receivable_fen,
        cast(0 as bigint) as payable_fen,
        payments_fen
    from {{ ref('int_payment_sides') }}

),

months as (

    select distinct period_month
    from moved

),

parties as (

    select party
    from {{ ref('dim_parties') }}

),

movements as (

    select
        months.period_month,
        parties.party,
        coalesce(sum(moved.receivable_fen), 0) as receivable_fen,
        coalesce(sum(moved.payable_fen), 0) as payable_fen,
        coalesce(sum(moved.payments_fen), 0) as payments_fen
    from months
    cross join parties
    left join moved
        on months.period_month = moved.period_month
        and parties.party = moved.party
    group by months.period_month, parties.party

),

running as (

    select
        *,
        sum(receivable_fen - payable_fen + payments_fen) over (
            partition by party
            order by period_month
            rows between unbounded preceding and current row
        ) as closing_fen
    from movements

),

balances as (

    select
        period_month,
        party,
        cast(closing_fen - receivable_fen + payable_fen - payments_fen as bigint) as opening_fen,
        cast(receivable_fen as bigint) as receivable_fen,
        cast(payable_fen as bigint) as payable_fen,
        cast(payments_fen as bigint) as payments_fen,
        cast(closing_fen as bigint) as closing_fen
    from running

)

select * from balances
