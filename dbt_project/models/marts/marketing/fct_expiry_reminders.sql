-- What lapses for each member within 7, 30, 60 and 90 days if nothing happens until then: points in lots by their last
-- day as known tonight.
with lots as (

    select * from {{ ref('fct_points_lots') }}
    where remaining_points > 0

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

days as (

    select rules.within_days
    from {{ ref('int_rules__reminder_days') }} as rules
    inner join tonight
        on rules.valid_from_date <= tonight.business_date
        and rules.valid_until_date > tonight.business_date

),

reminders as (

    select
        lots.member_id,
        days.within_days,
        min(lots.expires_on_date) as first_last_day_date,
        cast(sum(lots.remaining_points) as bigint) as expiring_points
    from lots
    cross join tonight
    inner join days on lots.expires_on_date <= {{ add_days('tonight.business_date', 'days.within_days') }}
    group by lots.member_id, days.within_days

)

select * from reminders
