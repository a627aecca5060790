-- Lots as the sum of their entries. `remaining_points` is never kept, always summed.
with entries as (

    select
        *,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}

),

movements as (

    select * from {{ ref('int_lot_movements') }}

),

-- What was taken back altogether (another rule, another account) leaves no lot. A renewed piece was earned when the
-- lot was that it was moved out of.
origins as (

    select
        lot_id,
        parent_lot_id,
        member_id,
        source,
        account_id,
        issuer_business,
        case when entry_type = 'renewal_in' then price_date else business_date end as earned_on_date,
        release_on_date,
        expires_on_date
    from entries
    where entry_type in ('accrual', 'opening_balance', 'pending', 'renewal_in')
    group by
        lot_id, parent_lot_id, member_id, source, account_id, issuer_business,
        case when entry_type = 'renewal_in' then price_date else business_date end, release_on_date, expires_on_date
    having sum(signed_points) <> 0

),

lots as (

    select
        origins.lot_id,
        origins.parent_lot_id,
        origins.member_id,
        origins.source,
        origins.account_id,
        origins.issuer_business,
        origins.earned_on_date,
        origins.release_on_date,
        case when movements.has_last_day then movements.last_day_date else origins.expires_on_date end
            as expires_on_date,
        cast(movements.issued_points as bigint) as issued_points,
        cast(movements.renewed_points as bigint) as renewed_points,
        cast(movements.redeemed_points as bigint) as redeemed_points,
        cast(movements.expired_points as bigint) as expired_points,
        cast(movements.clawed_back_points as bigint) as clawed_back_points,
        cast(movements.repaid_points as bigint) as repaid_points,
        cast(movements.pending_points as bigint) as pending_points,
        cast(movements.issued_points - movements.renewed_points - movements.redeemed_points
            - movements.expired_points - movements.clawed_back_points - movements.repaid_points as bigint)
            as remaining_points
    from origins
    inner join movements on origins.lot_id = movements.lot_id

)

select * from lots
