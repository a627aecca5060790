-- Points that a till took or gave back. What is given back goes to the account that spent it. What was taken through a
-- migration's cut-over date was taken from the legacy balance, and its return is not ours to give.
with activities as (

    select * from {{ ref('int_touched_activities') }}
    where activity_type in ('points_redemption', 'points_return')

),

migrations as (

    select * from {{ ref('int_rules__migrations') }}

),

outcomes as (

    select
        activities.*,
        case
            when activities.member_id is null then 'redeemed_without_member'
            when migrations.rule_id is not null and activities.activity_type = 'points_redemption'
                then 'in_legacy_balance'
            when migrations.rule_id is not null then 'order_in_legacy_balance'
            when activities.activity_type = 'points_redemption' then 'redeemed'
            else 'returned'
        end as outcome,
        case
            when activities.member_id is null or migrations.rule_id is not null then 0 else activities.points
        end as moved_points,
        coalesce(migrations.rule_id, 'redemption/' || activities.business) as rule_id,
        coalesce(activities.original_date, activities.business_date) as price_date
    from activities
    left join migrations
        on activities.business = migrations.business
        and coalesce(activities.original_date, activities.business_date) <= migrations.cut_over_date

)

select * from outcomes
