-- What members owed beyond their lots at each month's end, by the business where the debt arose. A repayment names the
-- activity whose debt it repays.
with entries as (

    select
        *,
        {{ month_of('posted_date') }} as period_month,
        {{ signed('points') }} as signed_points
    from {{ ref('int_points_entries') }}
    where entry_type in ('redemption_debt', 'claw_back_debt', 'restore_debt', 'debt_repayment')

),

arisen as (

    select
        activity_id,
        min(settling_business) as business
    from entries
    where entry_type in ('redemption_debt', 'claw_back_debt')
    group by activity_id

),

changes as (

    select
        entries.period_month,
        coalesce(arisen.business, entries.settling_business) as business,
        sum(case
            when entry_type in ('redemption_debt', 'claw_back_debt') then signed_points
            else -signed_points
        end) as change_points
    from entries
    left join arisen on entries.debt_activity_id = arisen.activity_id
    group by entries.period_month, coalesce(arisen.business, entries.settling_business)

),

months as (

    select
        period_month,
        issuer_business
    from {{ ref('int_liability_months') }}

),

owed as (

    select
        months.period_month,
        months.issuer_business,
        sum(changes.change_points) as debt_points
    from months
    inner join changes
        on months.issuer_business = changes.business
        and months.period_month >= changes.period_month
    group by months.period_month, months.issuer_business

)

select * from owed
