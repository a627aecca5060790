-- I8: statement total = sum of its lines = what the ledger moved. How the points of a lot are paid for decides whether an
-- entry has a line (int_settled_costs says so of tonight's, I4 counts it); of all months: no line without an entry,
-- and every point taken beyond a lot has one.
with statements as (

    select
        period_month,
        movement_type,
        sum(receivable_fen) as receivable_fen,
        sum(payable_fen) as payable_fen,
        sum(receivable_tax_fen) as receivable_tax_fen,
        sum(payable_tax_fen) as payable_tax_fen
    from {{ ref('fct_settlement_statements') }}
    group by period_month, movement_type

),

lines as (

    select
        period_month,
        movement_type,
        sum(amount_fen) as amount_fen,
        sum(tax_fen) as tax_fen
    from {{ ref('fct_settlement_lines') }}
    group by period_month, movement_type

),

-- The ledger knows when something was posted, not for which month it counts (int_settlement_periods).
posted as (

    select
        {{ month_of('posted_date') }} as posted_month,
        movement_type,
        case when movement_type = 'deposit_return' then 'expiry' else replace(movement_type, '_top_up', '') end
            as entry_type,
        sum(points) as points,
        count(*) as line_count
    from {{ ref('fct_settlement_lines') }}
    group by {{ month_of('posted_date') }}, movement_type

),

ledger as (

    select
        {{ month_of('posted_date') }} as posted_month,
        entry_type,
        sum(points) as points,
        count(*) as line_count
    from {{ ref('int_points_entries') }}
    group by {{ month_of('posted_date') }}, entry_type

),

each_one as (

    select
        statements.receivable_fen is distinct from lines.amount_fen
            or statements.payable_fen is distinct from lines.amount_fen
            or statements.receivable_tax_fen is distinct from lines.tax_fen
            or statements.payable_tax_fen is distinct from lines.tax_fen as is_violation
    from lines
    full outer join statements
        on lines.period_month = statements.period_month
        and lines.movement_type = statements.movement_type
    union all
    select
        ledger.points is null
            or posted.points > ledger.points
            or posted.line_count > ledger.line_count as is_violation
    from posted
    left join ledger
        on posted.posted_month = ledger.posted_month
        and posted.entry_type = ledger.entry_type
    where posted.entry_type in (
        'accrual', 'release', 'redemption', 'restore', 'claw_back', 'expiry', 'debt_repayment')
    union all
    select
        ledger.points is distinct from posted.points
            or ledger.line_count is distinct from posted.line_count as is_violation
    from ledger
    left join posted
        on ledger.posted_month = posted.posted_month
        and ledger.entry_type = posted.movement_type
    where ledger.entry_type in ('redemption_debt', 'restore_debt', 'claw_back_debt')

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
