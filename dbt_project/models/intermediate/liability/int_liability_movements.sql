{{ config(materialized='table') }}

-- What moved the points in lots, month by month, summed by issuer, month of issue and last day. Nothing a merge of
-- members does is in here: lots stay with their accounts. A memo of a last day says which points lapse on another day
-- than the lot's own facts say (`own_last_date`).
with entries as (

    select
        *,
        {{ month_of('posted_date') }} as period_month,
        {{ signed('points') }} as signed_points
    from {{ ref('int_points_entries') }}
    where lot_id is not null and entry_type not in ('pending', 'pending_claw_back')

),

cohorts as (

    select * from {{ ref('int_lot_cohorts') }}

),

movements as (

    select
        entries.period_month,
        entries.issuer_business,
        cohorts.issue_month,
        entries.redeemer_business,
        entries.entry_type,
        entries.expires_on_date,
        case when entries.entry_type = 'last_day' then cohorts.own_last_date end as own_last_date,
        {{ month_of('entries.business_date') }} < entries.period_month as is_late,
        {{ is_opening_lot('entries.lot_id') }} as is_opening,
        sum(entries.signed_points) as points,
        sum(case
            when entry_type in ('accrual', 'opening_balance', 'release', 'restore', 'renewal_in') then signed_points
            when entry_type = 'last_day' then 0
            else -signed_points
        end) as change_points
    from entries
    inner join cohorts on entries.lot_id = cohorts.lot_id
    group by
        entries.period_month, entries.issuer_business, cohorts.issue_month, entries.redeemer_business,
        entries.entry_type, entries.expires_on_date,
        case when entries.entry_type = 'last_day' then cohorts.own_last_date end,
        {{ month_of('entries.business_date') }} < entries.period_month, {{ is_opening_lot('entries.lot_id') }}

)

select * from movements
