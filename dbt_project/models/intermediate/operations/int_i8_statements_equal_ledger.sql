-- I8: statement total = sum of its lines = what the ledger moved.
with statements as (

    select
        period_month,
        movement_type,
        sum(receivable_fen) as receivable_fen,
        sum(payable_fen) as payable_fen
    from {{ ref('fct_settlement_statements') }}
    group by period_month, movement_type

),

lines as (

    select
        period_month,
        movement_type,
        sum(amount_fen) as amount_fen
    from {{ ref('fct_settlement_lines') }}
    group by period_month, movement_type

),

-- The ledger knows when something was posted, not for which month it counts (int_settlement_periods).
posted as (

    select
        {{ month_of('posted_date') }} as posted_month,
        movement_type,
        sum(points) as points,
        count(*) as line_count
    from {{ ref('fct_settlement_lines') }}
    group by {{ month_of('posted_date') }}, movement_type

),

ledger as (

    select
        {{ month_of('posted_date') }} as posted_month,
        entry_type as movement_type,
        sum(points) as points,
        count(*) as line_count
    from {{ ref('int_points_entries') }} as entries
    where {{ moves_money('entries') }}
    group by {{ month_of('posted_date') }}, entry_type

),

each_one as (

    select
        statements.receivable_fen is distinct from lines.amount_fen
            or statements.payable_fen is distinct from lines.amount_fen as is_violation
    from lines
    full outer join statements
        on lines.period_month = statements.period_month
        and lines.movement_type = statements.movement_type
    union all
    select
        ledger.points is distinct from posted.points
            or ledger.line_count is distinct from posted.line_count as is_violation
    from ledger
    full outer join posted
        on ledger.posted_month = posted.posted_month
        and ledger.movement_type = posted.movement_type

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
