with members as (

    select distinct member_id
    from {{ ref('int_member_links') }}

),

lots as (

    select * from {{ ref('fct_points_lots') }}

),

debts as (

    select * from {{ ref('int_member_debts') }}

),

sums as (

    select
        member_id,
        sum(issued_points) as issued_points,
        sum(redeemed_points) as redeemed_points,
        sum(expired_points) as expired_points,
        sum(clawed_back_points) as clawed_back_points,
        sum(pending_points) as pending_points,
        sum(remaining_points) as remaining_points
    from lots
    group by member_id

),

balances as (

    select
        members.member_id,
        cast(coalesce(sums.issued_points, 0) as bigint) as issued_points,
        cast(coalesce(sums.redeemed_points, 0) + coalesce(debts.redeemed_points, 0) as bigint) as redeemed_points,
        cast(coalesce(sums.expired_points, 0) as bigint) as expired_points,
        cast(coalesce(sums.clawed_back_points, 0) + coalesce(debts.clawed_back_points, 0) as bigint)
            as clawed_back_points,
        cast(coalesce(sums.remaining_points, 0) - coalesce(debts.debt_points, 0) as bigint) as balance_points,
        coalesce(debts.debt_points, 0) as debt_points,
        cast(coalesce(sums.pending_points, 0) as bigint) as pending_points
    from members
    left join sums on members.member_id = sums.member_id
    left join debts on members.member_id = debts.member_id

)

select * from balances
