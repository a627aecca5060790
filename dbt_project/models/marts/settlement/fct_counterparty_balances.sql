-- The same between two parties: what each is owed by (+) or owes (-) the other, every month from the first that knows of the
-- two. Together the counterparties of a party make its balance.
with moved as (

    select
        period_month,
        party,
        counterparty,
        receivable_fen,
        payable_fen,
        cast(0 as bigint) as payments_fen
    from {{ ref('int_settlement_sides') }}
    union all
    select
        period_month,
        party,
        counterparty,
        cast(0 as bigint) as receivable_fen,
        cast(0 as bigint) as payable_fen,
        payments_fen
    from {{ ref('int_payment_sides') }}

),

monthly as (

    select
        period_month,
        party,
        counterparty,
        sum(receivable_fen) as receivable_fen,
        sum(payable_fen) as payable_fen,
        sum(payments_fen) as payments_fen
    from moved
    group by period_month, party, counterparty

),

pairs as (

    select
        party,
        counterparty,
        min(period_month) as first_month
    from monthly
    group by party, counterparty

),

months as (

    select distinct period_month
    from monthly

),

movements as (

    select
        months.period_month,
        pairs.party,
        pairs.counterparty,
        coalesce(monthly.receivable_fen, 0) as receivable_fen,
        coalesce(monthly.payable_fen, 0) as payable_fen,
        coalesce(monthly.payments_fen, 0) as payments_fen
    from pairs
    inner join months on pairs.first_month <= months.period_month
    left join monthly
        on months.period_month = monthly.period_month
        and pairs.party = monthly.party
        and pairs.counterparty = monthly.counterparty

),

running as (

    select
        *,
        sum(receivable_fen - payable_fen + payments_fen) over (
            partition by party, counterparty
            order by period_month
            rows between unbounded preceding and current row
        ) as closing_fen
    from movements

),

balances as (

    select
        period_month,
        party,
        counterparty,
        cast(closing_fen - receivable_fen + payable_fen - payments_fen as bigint) as opening_fen,
        cast(receivable_fen as bigint) as receivable_fen,
        cast(payable_fen as bigint) as payable_fen,
        cast(payments_fen as bigint) as payments_fen,
        cast(closing_fen as bigint) as closing_fen
    from running

)

select * from balances
