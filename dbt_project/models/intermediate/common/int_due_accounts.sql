-- Accounts of which something falls due: a lot's last day or release, an instalment of money that counts for tiers.
-- Each date is looked for by itself: DuckDB passes over blocks without it, and reads every row for one or the other.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

-- A lot's last day as it was when it was earned, renewed, or last derived.
lapsing_lots as (

    select entries.source, entries.account_id
    from {{ ref('int_posted__points_entries') }} as entries
    inner join tonight
        on entries.expires_on_date > tonight.previous_date
        and entries.expires_on_date <= tonight.business_date
    where entries.entry_type in ('accrual', 'opening_balance', 'pending', 'renewal_in', 'last_day')

),

released_lots as (

    select entries.source, entries.account_id
    from {{ ref('int_posted__points_entries') }} as entries
    inner join tonight
        on entries.release_on_date > tonight.previous_date
        and entries.release_on_date <= tonight.business_date
    where entries.entry_type in ('accrual', 'opening_balance', 'pending', 'renewal_in', 'last_day')

),

-- What an order is worth to tiers counts as its instalments are released, also where it earned no points. Looked for
-- among all that was ever posted, as in int_touched_members.
due_money as (

    select
        activities.source,
        activities.account_id
    from {{ ref('int_posted__activities') }} as activities
    inner join {{ ref('int_rules__vesting') }} as vesting
        on activities.business = vesting.business
        and activities.business_date >= vesting.valid_from_date
        and activities.business_date < vesting.valid_until_date
    inner join tonight
        on {{ add_days('activities.business_date', 'vesting.after_days') }} > tonight.previous_date
        and {{ add_days('activities.business_date', 'vesting.after_days') }} <= tonight.business_date

),

due as (

    select source, account_id from lapsing_lots
    union
    select source, account_id from released_lots
    union
    select source, account_id from due_money

)

select * from due
