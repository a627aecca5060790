-- Birthdays of accounts, for the night alone, and whether they may be other than on the night before. Nothing that is
-- published may hold them.
with birthdays as (

    select
        source,
        account_id,
        birth_month,
        birth_day,
        is_changed
    from {{ source('work', 'birthdays') }}

)

select * from birthdays
