-- Roll-forward of what each issuer's members hold in lots: the sum of its cohorts, and what members owe beside.
with cohorts as (

    select * from {{ ref('fct_points_liability_cohorts') }}

),

months as (

    select * from {{ ref('int_liability_months') }}

),

debts as (

    select * from {{ ref('int_liability_debts') }}

),

liability as (

    select
        months.period_month,
        months.issuer_business,
        cast(coalesce(sum(cohorts.opening_points), 0) as bigint) as opening_points,
        cast(coalesce(sum(cohorts.issued_points), 0) as bigint) as issued_points,
        cast(coalesce(sum(cohorts.restored_points), 0) as bigint) as restored_points,
        cast(coalesce(sum(cohorts.redeemed_points), 0) as bigint) as redeemed_points,
        cast(coalesce(sum(cohorts.expired_points), 0) as bigint) as expired_points,
        cast(coalesce(sum(cohorts.clawed_back_points), 0) as bigint) as clawed_back_points,
        cast(coalesce(sum(cohorts.repaid_points), 0) as bigint) as repaid_points,
        cast(coalesce(sum(cohorts.closing_points), 0) as bigint) as closing_points,
        cast(coalesce(sum(cohorts.adjusted_points), 0) as bigint) as adjusted_points,
        cast(coalesce(sum(cohorts.expiring_30_days_points), 0) as bigint) as expiring_30_days_points,
        cast(coalesce(sum(cohorts.expiring_60_days_points), 0) as bigint) as expiring_60_days_points,
        cast(coalesce(sum(cohorts.expiring_90_days_points), 0) as bigint) as expiring_90_days_points,
        cast(coalesce(max(debts.debt_points), 0) as bigint) as debt_points,
        cast(coalesce(sum(cohorts.opening_fen), 0) as bigint) as opening_fen,
        cast(coalesce(sum(cohorts.issued_fen), 0) as bigint) as issued_fen,
        cast(coalesce(sum(cohorts.restored_fen), 0) as bigint) as restored_fen,
        cast(coalesce(sum(cohorts.redeemed_fen), 0) as bigint) as redeemed_fen,
        cast(coalesce(sum(cohorts.expired_fen), 0) as bigint) as expired_fen,
        cast(coalesce(sum(cohorts.clawed_back_fen), 0) as bigint) as clawed_back_fen,
        cast(coalesce(sum(cohorts.repaid_fen), 0) as bigint) as repaid_fen,
        cast(coalesce(sum(cohorts.revalued_fen), 0) as bigint) as revalued_fen,
        cast(coalesce(sum(cohorts.rounding_fen + cohorts.renewed_fen), 0) as bigint) as rounding_fen,
        cast(coalesce(sum(cohorts.closing_fen), 0) as bigint) as closing_fen
    from months
    left join cohorts
        on months.period_month = cohorts.period_month
        and months.issuer_business = cohorts.issuer_business
    left join debts
        on months.period_month = debts.period_month
        and months.issuer_business = debts.issuer_business
    group by months.period_month, months.issuer_business

)

select * from liability
