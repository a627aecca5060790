-- Lots that points came to after some had gone, at the end of each day: never less than nothing. Only these are summed
-- day by day, which costs more than everything else that is asked of lots.
with movements as (

    select movements.*
    from {{ ref('int_touched_movements') }} as movements
    inner join {{ ref('int_lot_closings') }} as lots
        on movements.member_id = lots.member_id
        and movements.lot_id = lots.lot_id
    where lots.is_refilled

),

days as (

    select
        member_id,
        lot_id,
        business_date,
        sum(held_points) as held_points,
        sum(pending_points) as pending_points
    from movements
    group by member_id, lot_id, business_date

),

closings as (

    select
        member_id,
        lot_id,
        business_date,
        sum(held_points) over lot as held_points,
        sum(pending_points) over lot as pending_points
    from days
    window lot as (
        partition by member_id, lot_id order by business_date
        rows between unbounded preceding and current row
    )

),

judged as (

    select
        *,
        held_points < 0 or pending_points < 0 as is_violation
    from closings

)

select * from judged
