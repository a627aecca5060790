-- What each member's balance buys tonight, and what the next reward still asks for.
with balances as (

    select * from {{ ref('fct_points_balances') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

rewards as (

    select
        rules.reward,
        rules.price_points,
        row_number() over (order by rules.price_points, rules.reward) as place
    from {{ ref('int_rules__rewards') }} as rules
    inner join tonight
        on rules.valid_from_date <= tonight.business_date
        and rules.valid_until_date > tonight.business_date

),

reached as (

    select
        balances.member_id,
        balances.balance_points,
        count(case when rewards.price_points <= balances.balance_points then 1 end) as redeemable_reward_count
    from balances
    cross join rewards
    group by balances.member_id, balances.balance_points

),

member_rewards as (

    select
        reached.member_id,
        reached.balance_points,
        reached.redeemable_reward_count,
        dearest.reward as dearest_redeemable_reward,
        following.reward as next_reward,
        following.price_points - reached.balance_points as next_reward_missing_points
    from reached
    left join rewards as dearest on reached.redeemable_reward_count = dearest.place
    left join rewards as following on reached.redeemable_reward_count + 1 = following.place

)

select * from member_rewards
