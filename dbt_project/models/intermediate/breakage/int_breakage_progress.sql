-- What became of each cohort's points up to every month: paid for the orders that earned them, issued, taken back for
-- refunds, used, still held. Points of a system before this one were never sold here.
with changes as (

    select
        period_month,
        issuer_business,
        issue_month,
        case when entry_type in ('accrual', 'release') then points else 0 end as issued_points,
        case when entry_type = 'claw_back' then points else 0 end as clawed_back_points,
        case
            when entry_type in ('redemption', 'debt_repayment') then points
            when entry_type = 'restore' then -points
            else 0
        end as used_points,
        change_points as held_points,
        0 as paid_fen
    from {{ ref('int_liability_movements') }}
    where not is_opening
    union all
    select period_month, issuer_business, issue_month, 0, 0, 0, 0, paid_fen
    from {{ ref('int_breakage_sales') }}

),

months as (

    select * from {{ ref('int_liability_months') }}

),

progress as (

    select
        months.period_month,
        months.statement_date,
        months.issuer_business,
        changes.issue_month,
        sum(changes.paid_fen) as paid_fen,
        sum(changes.issued_points) as issued_points,
        sum(changes.issued_points - changes.clawed_back_points) as kept_points,
        sum(changes.used_points) as used_points,
        sum(changes.held_points) as held_points
    from months
    inner join changes
        on months.issuer_business = changes.issuer_business
        and months.period_month >= changes.period_month
    group by months.period_month, months.statement_date, months.issuer_business, changes.issue_month

)

select * from progress
