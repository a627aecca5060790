-- Members touched tonight who ever owed points, at the end of each day: nobody owes less than nothing, or holds and owes
-- at once.
with debtors as (

    select distinct member_id
    from {{ ref('int_touched_movements') }}
    where debt_points <> 0

),

closings as (

    select
        movements.member_id,
        movements.business_date,
        sum(movements.held_points) over member as held_points,
        sum(movements.debt_points) over member as debt_points
    from {{ ref('int_member_days') }} as movements
    inner join debtors on movements.member_id = debtors.member_id
    window member as (
        partition by movements.member_id order by movements.business_date
        rows between unbounded preceding and current row
    )

),

judged as (

    select
        *,
        debt_points < 0 or (held_points > 0 and debt_points > 0) as is_violation
    from closings

)

select * from judged
