-- Points that a till took or gave back, or that a system before this one left to an account. What is given back goes
-- to the account that spent it.
with activities as (

    select * from {{ ref('int_activities') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

outcomes as (

    select
        activities.activity_id,
        links.member_id,
        coalesce(original.source, activities.source) as source,
        coalesce(original.account_id, activities.account_id) as account_id,
        case
            when links.member_id is null then 'redeemed_without_member'
            when activities.activity_type = 'points_redemption' then 'redeemed'
            when activities.activity_type = 'opening_balance' then 'opened'
            else 'returned'
        end as outcome,
        case when links.member_id is null then 0 else activities.points end as points,
        case when activities.activity_type = 'opening_balance' then 'opening/' else 'redemption/' end
        || activities.business as rule_id,
        coalesce(original.business_date, activities.business_date) as price_date
    from activities
    left join activities as original on activities.reverses_activity_id = original.activity_id
    left join links
        on coalesce(original.source, activities.source) = links.source
        and coalesce(original.account_id, activities.account_id) = links.account_id
    where activities.activity_type in ('points_redemption', 'points_return', 'opening_balance')

)

select * from outcomes
