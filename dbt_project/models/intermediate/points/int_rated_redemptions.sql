-- Points that a till took or gave back. What is given back goes to the account that spent it. What was taken through a
-- migration's cut-over date was taken from the legacy balance, and its return is not ours to give.
with activities as (

    select * from {{ ref('int_activities') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

migrations as (

    select * from {{ ref('int_rules__migrations') }}

),

movements as (

    select
        activities.activity_id,
        links.member_id,
        coalesce(original.source, activities.source) as source,
        coalesce(original.account_id, activities.account_id) as account_id,
        case
            when links.member_id is null then 'redeemed_without_member'
            when migrations.rule_id is not null and activities.activity_type = 'points_redemption'
                then 'in_legacy_balance'
            when migrations.rule_id is not null then 'order_in_legacy_balance'
            when activities.activity_type = 'points_redemption' then 'redeemed'
            else 'returned'
        end as outcome,
        activities.points,
        coalesce(migrations.rule_id, 'redemption/' || activities.business) as rule_id,
        coalesce(original.business_date, activities.business_date) as price_date
    from activities
    left join activities as original on activities.reverses_activity_id = original.activity_id
    left join links
        on coalesce(original.source, activities.source) = links.source
        and coalesce(original.account_id, activities.account_id) = links.account_id
    left join migrations
        on activities.business = migrations.business
        and coalesce(original.business_date, activities.business_date) <= migrations.cut_over_date
    where activities.activity_type in ('points_redemption', 'points_return')

),

outcomes as (

    select
        activity_id,
        member_id,
        source,
        account_id,
        outcome,
        case when outcome in ('redeemed', 'returned') then points else 0 end as points,
        rule_id,
        price_date
    from movements

)

select * from outcomes
