{{ config(materialized='table') }}

-- What members owe: points taken beyond their lots, less what later lots repaid.
with entries as (

    select
        *,
        {{ signed('points') }} as signed_points
    from {{ ref('fct_points_entries') }}

),

debts as (

    select
        member_id,
        sum(case
            when entry_type = 'redemption_debt' then signed_points
            when entry_type = 'restore_debt' then -signed_points
            else 0
        end) as redeemed_points,
        sum(case when entry_type = 'claw_back_debt' then signed_points else 0 end) as clawed_back_points,
        sum(case when entry_type = 'debt_repayment' then signed_points else 0 end) as repaid_points
    from entries
    where entry_type in ('redemption_debt', 'restore_debt', 'claw_back_debt', 'debt_repayment')
    group by member_id

),

open_debts as (

    select
        member_id,
        cast(redeemed_points as bigint) as redeemed_points,
        cast(clawed_back_points as bigint) as clawed_back_points,
        cast(redeemed_points + clawed_back_points - repaid_points as bigint) as debt_points
    from debts

)

select * from open_debts
