-- Who belongs to an audience at which business: only members who consented to marketing at an account there.
with members as (

    select * from {{ ref('dim_members') }}

),

member_tiers as (

    select * from {{ ref('dim_member_tiers') }}

),

tonight as (

    select * from {{ ref('int_tonight') }}

),

audiences as (

    select * from {{ ref('int_audience_rules') }}

),

consents as (

    select * from {{ ref('int_marketing_consents') }}

),

audience_points as (

    select * from {{ ref('int_audience_points') }}

),

member_businesses as (

    select distinct member_id, business
    from {{ ref('dim_member_accounts') }}

),

member_rewards as (

    select * from {{ ref('fct_member_rewards') }}

),

measured as (

    select
        audiences.audience,
        audiences.audience_name,
        audiences.limit_value,
        members.member_id,
        audiences.kind,
        case audiences.kind
            when 'growth_missing_at_most' then member_tiers.growth_missing
            when 'reward_missing_at_most' then member_rewards.next_reward_missing_points
            when 'no_activity_for_days'
                then cast({{ dbt.datediff('members.last_activity_date', 'tonight.business_date', 'day') }} as bigint)
            else audience_points.points
        end as measure
    from members
    inner join member_tiers on members.member_id = member_tiers.member_id
    left join member_rewards on members.member_id = member_rewards.member_id
    cross join audiences
    cross join tonight
    left join audience_points
        on audiences.audience = audience_points.audience
        and members.member_id = audience_points.member_id
    left join member_businesses
        on audiences.account_at = member_businesses.business
        and members.member_id = member_businesses.member_id
    where audiences.account_at is null or member_businesses.member_id is not null

),

audience_members as (

    select
        measured.audience,
        measured.audience_name,
        consents.business,
        measured.member_id,
        measured.measure
    from measured
    inner join consents on measured.member_id = consents.member_id
    where measured.kind = 'points_expiring_within_days' and measured.measure > 0
        or (measured.kind = 'reward_missing_at_most' and measured.measure between 1 and measured.limit_value)
        or (measured.kind = 'growth_missing_at_most' and measured.measure between 1 and measured.limit_value)
        or (measured.kind in ('no_activity_for_days', 'points_held_at_least') and measured.measure >= measured.limit_value)

)

select * from audience_members
