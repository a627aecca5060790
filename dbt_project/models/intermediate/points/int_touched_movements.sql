{{ config(materialized='table') }}

-- What each entry of the members touched tonight moved, seen from its parties (a reversal has them swapped) and, apart
-- from them, from its type: what it added to what the member has in all.
with entries as (

    select
        *,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}

),

movements as (

    select
        entries.member_id,
        entries.lot_id,
        entries.business_date,
        {{ moved_to('member') }} as held_points,
        {{ moved_to('member_pending') }} as pending_points,
        -{{ moved_to('member_debt') }} as debt_points,
        case
            when entry_type in ('accrual', 'opening_balance', 'release', 'restore', 'restore_debt') then signed_points
            when entry_type in ('redemption', 'redemption_debt', 'expiry', 'claw_back', 'claw_back_debt')
                then -signed_points
            else 0
        end as explained_points
    from entries
    inner join {{ ref('int_touched_members') }} as touched on entries.member_id = touched.member_id

)

select * from movements
