-- Lots as the sum of their entries. `remaining_points` is never kept, always summed.
with entries as (

    select
        *,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}

),

-- An accrual that was taken back (another rule, another account) leaves no lot.
accruals as (

    select
        lot_id,
        member_id,
        source,
        account_id,
        issuer_business,
        business_date as earned_on_date,
        expires_on_date,
        sum(signed_points) as issued_points
    from entries
    where entry_type = 'accrual'
    group by lot_id, member_id, source, account_id, issuer_business, business_date, expires_on_date
    having sum(signed_points) <> 0

),

movements as (

    select
        lot_id,
        sum(case
            when entry_type = 'redemption' then signed_points
            when entry_type = 'restore' then -signed_points
            else 0
        end) as redeemed_points,
        sum(case when entry_type = 'expiry' then signed_points else 0 end) as expired_points,
        sum(case when entry_type = 'claw_back' then signed_points else 0 end) as clawed_back_points,
        sum(case when entry_type = 'debt_repayment' then signed_points else 0 end) as repaid_points
    from entries
    where lot_id is not null
    group by lot_id

),

lots as (

    select
        accruals.lot_id,
        accruals.member_id,
        accruals.source,
        accruals.account_id,
        accruals.issuer_business,
        accruals.earned_on_date,
        accruals.expires_on_date,
        cast(accruals.issued_points as bigint) as issued_points,
        cast(movements.redeemed_points as bigint) as redeemed_points,
        cast(movements.expired_points as bigint) as expired_points,
        cast(movements.clawed_back_points as bigint) as clawed_back_points,
        cast(movements.repaid_points as bigint) as repaid_points,
        cast(accruals.issued_points - movements.redeemed_points - movements.expired_points
            - movements.clawed_back_points - movements.repaid_points as bigint) as remaining_points
    from accruals
    inner join movements on accruals.lot_id = movements.lot_id

)

select * from lots
