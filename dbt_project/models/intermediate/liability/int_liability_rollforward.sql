-- Points of each issuer and month of issue, month by month: opening, movements, closing. A cohort has a row for every
-- month from its first one on in which it holds or moved anything.
with movements as (

    select * from {{ ref('int_liability_movements') }}

),

months as (

    select * from {{ ref('int_liability_months') }}

),

cohorts as (

    select
        issuer_business,
        issue_month,
        min(period_month) as first_period_month
    from movements
    group by issuer_business, issue_month

),

moved as (

    select
        months.period_month,
        months.statement_date,
        months.value_micro_fen,
        cohorts.issuer_business,
        cohorts.issue_month,
        coalesce(sum(case when entry_type in ('accrual', 'opening_balance', 'release') then points end), 0)
            as issued_points,
        coalesce(sum(case when entry_type = 'restore' then points end), 0) as restored_points,
        coalesce(sum(case when entry_type = 'redemption' then points end), 0) as redeemed_points,
        coalesce(sum(case when entry_type = 'expiry' then points end), 0) as expired_points,
        coalesce(sum(case when entry_type = 'claw_back' then points end), 0) as clawed_back_points,
        coalesce(sum(case when entry_type = 'debt_repayment' then points end), 0) as repaid_points,
        coalesce(sum(case when entry_type in ('renewal_in', 'renewal_out') then change_points end), 0)
            as renewed_points,
        coalesce(sum(case when is_late then change_points end), 0) as adjusted_points,
        coalesce(sum(change_points), 0) as change_points,
        count(movements.period_month) as movement_count
    from months
    inner join cohorts
        on months.issuer_business = cohorts.issuer_business
        and months.period_month >= cohorts.first_period_month
    left join movements
        on months.period_month = movements.period_month
        and cohorts.issuer_business = movements.issuer_business
        and cohorts.issue_month = movements.issue_month
    group by
        months.period_month, months.statement_date, months.value_micro_fen, cohorts.issuer_business,
        cohorts.issue_month

),

running as (

    select
        *,
        sum(change_points) over cohort as closing_points,
        sum(issued_points - clawed_back_points) over cohort as issued_to_date_points,
        sum(redeemed_points - restored_points + repaid_points) over cohort as used_to_date_points,
        lag(value_micro_fen) over (partition by issuer_business, issue_month order by period_month)
            as previous_value_micro_fen
    from moved
    window cohort as (
        partition by issuer_business, issue_month
        order by period_month
        rows between unbounded preceding and current row
    )

),

held as (

    select
        *,
        closing_points - change_points as opening_points
    from running
    where closing_points <> 0 or closing_points <> change_points or movement_count > 0

)

select * from held
