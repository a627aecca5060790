-- Roll-forward of what each issuer's members still hold in lots.
with entries as (

    select
        *,
        {{ month_of('posted_date') }} as period_month,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}
    where lot_id is not null

),

months as (

    select distinct period_month
    from entries

),

issuers as (

    select business as issuer_business
    from {{ ref('dim_businesses') }}

),

movements as (

    select
        months.period_month,
        issuers.issuer_business,
        coalesce(sum(case
            when entry_type in ('accrual', 'opening_balance', 'release') then signed_points
        end), 0) as issued_points,
        coalesce(sum(case when entry_type = 'restore' then signed_points end), 0) as restored_points,
        coalesce(sum(case when entry_type = 'redemption' then signed_points end), 0) as redeemed_points,
        coalesce(sum(case when entry_type = 'expiry' then signed_points end), 0) as expired_points,
        coalesce(sum(case when entry_type = 'claw_back' then signed_points end), 0) as clawed_back_points,
        coalesce(sum(case when entry_type = 'debt_repayment' then signed_points end), 0) as repaid_points
    from months
    cross join issuers
    left join entries
        on months.period_month = entries.period_month
        and issuers.issuer_business = entries.issuer_business
    group by months.period_month, issuers.issuer_business

),

running as (

    select
        *,
        issued_points + restored_points - redeemed_points - expired_points - clawed_back_points - repaid_points
            as change_points,
        sum(issued_points + restored_points - redeemed_points - expired_points - clawed_back_points
            - repaid_points) over (
            partition by issuer_business
            order by period_month
            rows between unbounded preceding and current row
        ) as closing_points
    from movements

),

liability as (

    select
        period_month,
        issuer_business,
        cast(closing_points - change_points as bigint) as opening_points,
        cast(issued_points as bigint) as issued_points,
        cast(restored_points as bigint) as restored_points,
        cast(redeemed_points as bigint) as redeemed_points,
        cast(expired_points as bigint) as expired_points,
        cast(clawed_back_points as bigint) as clawed_back_points,
        cast(repaid_points as bigint) as repaid_points,
        cast(closing_points as bigint) as closing_points
    from running

)

select * from liability
