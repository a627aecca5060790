-- Points that a till took or gave back, or that a system before this one left to an account. What is given back goes
-- to the account that spent it.
with activities as (

    select * from {{ ref('int_touched_activities') }}
    where activity_type in ('points_redemption', 'points_return', 'opening_balance')

),

outcomes as (

    select
        *,
        case
            when member_id is null then 'redeemed_without_member'
            when activity_type = 'points_redemption' then 'redeemed'
            when activity_type = 'opening_balance' then 'opened'
            else 'returned'
        end as outcome,
        case when member_id is null then 0 else points end as moved_points,
        case when activity_type = 'opening_balance' then 'opening/' else 'redemption/' end || business as rule_id,
        coalesce(original_date, business_date) as price_date
    from activities

)

select * from outcomes
