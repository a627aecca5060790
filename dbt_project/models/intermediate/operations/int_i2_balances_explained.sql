-- I2: issued = redeemed + expired + clawed back + balance for each member; no lot below zero or above its issue;
-- no debt below zero.
with balances as (

    select * from {{ ref('fct_points_balances') }}

),

lots as (

    select * from {{ ref('fct_points_lots') }}

),

each_one as (

    select
        issued_points - redeemed_points - expired_points - clawed_back_points <> balance_points
            or debt_points < 0 as is_violation
    from balances
    union all
    select
        remaining_points < 0 or pending_points < 0 or member_id is null
            or remaining_points > issued_points - renewed_points as is_violation
    from lots

),

checked as (

    select
        count(*) as checked_count,
        count_if(is_violation) as violation_count
    from each_one

)

select * from checked
