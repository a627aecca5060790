-- What each party is owed (+) or owes (-), month by month; nothing is paid out by this platform, so a month opens
-- with what the one before closed with.
with statements as (

    select * from {{ ref('fct_settlement_statements') }}

),

months as (

    select distinct period_month
    from statements

),

parties as (

    select party
    from {{ ref('dim_parties') }}

),

movements as (

    select
        months.period_month,
        parties.party,
        coalesce(sum(statements.receivable_fen), 0) as receivable_fen,
        coalesce(sum(statements.payable_fen), 0) as payable_fen
    from months
    cross join parties
    left join statements
        on months.period_month = statements.period_month
        and parties.party = statements.party
    group by months.period_month, parties.party

),

running as (

    select
        *,
        sum(receivable_fen - payable_fen) over (
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
        cast(closing_fen - receivable_fen + payable_fen as bigint) as opening_fen,
        cast(receivable_fen as bigint) as receivable_fen,
        cast(payable_fen as bigint) as payable_fen,
        cast(closing_fen as bigint) as closing_fen
    from running

)

select * from balances
