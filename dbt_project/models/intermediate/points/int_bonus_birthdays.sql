-- Candidates of rules that ask for a birthday: the one that the activity is near, or why it is near none. The birthday
-- of a month is known by its first day.
with candidates as (

    select
        candidates.activity_id,
        candidates.rule,
        candidates.business_date,
        candidates.birthday_window,
        {{ add_days('candidates.business_date', '-candidates.birthday_days_after') }} as first_date,
        {{ add_days('candidates.business_date', 'candidates.birthday_days_before') }} as last_date,
        members.birth_month,
        members.birth_day
    from {{ ref('int_bonus_candidates') }} as candidates
    left join {{ ref('int_member_birthdays') }} as members on candidates.member_id = members.member_id
    where candidates.birthday_window is not null

),

-- A stretch that begins in one year and ends in the next may hold the birthday of either.
dated as (

    select
        *,
        {{ birthday_in_year_of('first_date', 'birth_month', 'birth_day') }} as earlier_date,
        {{ birthday_in_year_of('last_date', 'birth_month', 'birth_day') }} as later_date
    from candidates

),

near as (

    select
        *,
        case
            when birthday_window = 'month' and birth_month = extract(month from business_date)
                then {{ month_of('business_date') }}
            when birthday_window = 'day' and earlier_date between first_date and last_date then earlier_date
            when birthday_window = 'day' and later_date between first_date and last_date then later_date
        end as birthday_date
    from dated

),

judged as (

    select
        activity_id,
        rule,
        birthday_date,
        case
            when birth_month is null then 'birthday_unknown'
            when birthday_date is null then 'not_birthday'
        end as reason
    from near

)

select * from judged
