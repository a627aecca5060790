-- What moved points into and out of each lot, and, if something was noted of it, until when it can be used. Entries are
-- asked for twice by their own name: what a query names twice, DuckDB keeps whole.
with entries as (

    select
        lot_id,
        entry_type,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}
    where lot_id is not null

),

movements as (

    select
        lot_id,
        sum(case when entry_type in ('accrual', 'opening_balance', 'release') then signed_points else 0 end)
            as issued_points,
        sum(case
            when entry_type = 'renewal_out' then signed_points
            when entry_type = 'renewal_in' then -signed_points
            else 0
        end) as renewed_points,
        sum(case
            when entry_type = 'redemption' then signed_points
            when entry_type = 'restore' then -signed_points
            else 0
        end) as redeemed_points,
        sum(case when entry_type = 'expiry' then signed_points else 0 end) as expired_points,
        sum(case when entry_type = 'claw_back' then signed_points else 0 end) as clawed_back_points,
        sum(case when entry_type = 'debt_repayment' then signed_points else 0 end) as repaid_points,
        sum(case
            when entry_type = 'pending' then signed_points
            when entry_type in ('release', 'pending_claw_back') then -signed_points
            else 0
        end) as pending_points
    from entries
    group by lot_id

),

last_days as (

    select
        lot_id,
        expires_on_date as last_day_date
    from {{ ref('fct_points_entries') }}
    where entry_type = 'last_day'
    group by lot_id, expires_on_date
    having sum({{ signed('points') }}) > 0

),

summed as (

    select
        movements.*,
        last_days.lot_id is not null as has_last_day,
        last_days.last_day_date
    from movements
    left join last_days on movements.lot_id = last_days.lot_id

)

select * from summed
