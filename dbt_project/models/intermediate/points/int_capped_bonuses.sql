-- Every candidate with its outcome: what its own rule gives, or what the caps of the rule's campaign leave of it.
with bonuses as (

    select * from {{ ref('int_rated_bonuses') }}

),

clipped as (

    select * from {{ ref('int_clipped_bonuses') }}

),

capped as (

    select
        bonuses.activity_id,
        bonuses.source,
        bonuses.account_id,
        bonuses.member_id,
        bonuses.business,
        bonuses.activity_type,
        bonuses.business_date,
        bonuses.occurred_at,
        bonuses.rule,
        bonuses.rule_id,
        bonuses.tier,
        bonuses.refund_policy,
        bonuses.base_rate,
        bonuses.most_points_per_order,
        bonuses.paid_fen,
        bonuses.percent_of_base,
        bonuses.points_per_10000_fen,
        bonuses.points,
        bonuses.for_each_fen,
        bonuses.least_paid_fen,
        bonuses.full_points,
        coalesce(clipped.left_points, bonuses.awarded_points) as awarded_points,
        case when clipped.left_points = 0 then 'cap_reached' else bonuses.outcome end as outcome
    from bonuses
    left join clipped
        on bonuses.activity_id = clipped.activity_id
        and bonuses.rule = clipped.rule

)

select * from capped
