-- Each lot of the members touched tonight after everything that moved it. It holds, and keeps waiting, no less than
-- nothing; points in no lot are a lot that nobody knows. Whether points came after some had gone: of any other lot no day
-- is lower than the last one.
with movements as (

    select * from {{ ref('int_touched_movements') }}

),

closings as (

    select
        member_id,
        lot_id,
        sum(held_points) as held_points,
        sum(pending_points) as pending_points,
        max(case when held_points > 0 or pending_points > 0 then business_date end) as last_in_date,
        min(case when held_points < 0 or pending_points < 0 then business_date end) as first_out_date
    from movements
    where held_points <> 0
        or pending_points <> 0
    group by member_id, lot_id

),

judged as (

    select
        member_id,
        lot_id,
        held_points,
        pending_points,
        coalesce(last_in_date > first_out_date, false) as is_refilled,
        lot_id is null or held_points < 0 or pending_points < 0 as is_violation
    from closings

)

select * from judged
