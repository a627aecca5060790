-- The month that each lot belongs to, for good: that of the day it was earned as it was first posted, whatever its order
-- is corrected to later; a renewed piece stays with its lot. And the last day that it has from its own facts.
with openings as (

    select * from {{ ref('int_points_entries') }}
    where entry_type in ('accrual', 'opening_balance', 'pending', 'renewal_in') and not is_reversal

),

cohorts as (

    select
        lot_id,
        {{ month_of('min_by(price_date, posted_date)') }} as issue_month,
        max(expires_on_date) as own_last_date
    from openings
    group by lot_id

)

select * from cohorts
