-- Of what each cohort held on a month's statement date: what lapses within 30, 60 and 90 days after it, by all that was
-- known then.
with movements as (

    select * from {{ ref('int_liability_movements') }}

),

months as (

    select * from {{ ref('int_liability_months') }}

),

held as (

    select
        period_month,
        issuer_business,
        issue_month,
        expires_on_date,
        case when entry_type = 'last_day' then points else change_points end as points
    from movements
    union all
    select
        period_month,
        issuer_business,
        issue_month,
        own_last_date as expires_on_date,
        -points as points
    from movements
    where entry_type = 'last_day'

),

expiring as (

    select
        months.period_month,
        held.issuer_business,
        held.issue_month,
        sum(case when held.expires_on_date <= {{ add_days('months.statement_date', '30') }} then held.points else 0 end)
            as expiring_30_days_points,
        sum(case when held.expires_on_date <= {{ add_days('months.statement_date', '60') }} then held.points else 0 end)
            as expiring_60_days_points,
        sum(held.points) as expiring_90_days_points
    from months
    inner join held
        on months.issuer_business = held.issuer_business
        and months.period_month >= held.period_month
        and held.expires_on_date > months.statement_date
        and held.expires_on_date <= {{ add_days('months.statement_date', '90') }}
    group by months.period_month, held.issuer_business, held.issue_month

)

select * from expiring
