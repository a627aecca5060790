-- What each day changed for each member touched tonight: what the day's entries say by their types is what came to be held
-- less what came to be owed. So opening + movements = closing = lots - debt on every day (C5).
with movements as (

    select * from {{ ref('int_touched_movements') }}

),

days as (

    select
        member_id,
        business_date,
        sum(held_points) as held_points,
        sum(debt_points) as debt_points,
        sum(explained_points) as explained_points
    from movements
    group by member_id, business_date

),

judged as (

    select
        *,
        explained_points <> held_points - debt_points as is_violation
    from days

)

select * from judged
