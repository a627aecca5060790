{{ config(materialized='file') }}

-- Bonuses of which the caps of their campaign leave less than their own rule gives, and what they leave. All rules of
-- the campaign count together, in the order of the member's activities, those of one activity by rank and name. What a
-- rule's own caps have let through counts for these, also where the campaign gives less. A plain night, without
-- campaigns, looks at nothing here.
with caps as (

    select * from {{ ref('int_rules__campaign_caps') }}

),

shared_rules as (

    select distinct campaign, rule from caps

),

awards as (

    select
        bonuses.activity_id,
        bonuses.rule,
        bonuses.rank,
        shared.campaign,
        bonuses.member_id,
        bonuses.business_date,
        bonuses.occurred_at,
        {{ month_of('bonuses.business_date') }} as month_date,
        {{ year_of('bonuses.business_date') }} as year_date,
        bonuses.awarded_points,
        caps.points_per_activity,
        caps.points_per_day,
        caps.points_per_month,
        caps.points_per_year,
        caps.points_in_all,
        caps.awards_per_day,
        caps.awards_per_month,
        caps.awards_per_year,
        caps.awards_in_all
    from {{ ref('int_rated_bonuses') }} as bonuses
    inner join shared_rules as shared on bonuses.rule = shared.rule
    left join caps
        on bonuses.rule = caps.rule
        and bonuses.business_date >= caps.valid_from_date
        and bonuses.business_date < caps.valid_until_date
    where bonuses.outcome = 'awarded'

),

by_activity as (

    select
        *,
        {{ clipped('awarded_points', 'points_per_activity', none, 'campaign, activity_id', ', rank, rule') }}
            as activity_points
    from awards

),

by_day as (

    select
        *,
        {{ clipped('activity_points', 'points_per_day', 'awards_per_day', 'campaign, business_date', ', rank, rule') }}
            as day_points
    from by_activity

),

by_month as (

    select
        *,
        {{ clipped('day_points', 'points_per_month', 'awards_per_month', 'campaign, month_date', ', rank, rule') }}
            as month_points
    from by_day

),

by_year as (

    select
        *,
        {{ clipped('month_points', 'points_per_year', 'awards_per_year', 'campaign, year_date', ', rank, rule') }}
            as year_points
    from by_month

),

in_all as (

    select
        *,
        {{ clipped('year_points', 'points_in_all', 'awards_in_all', 'campaign', ', rank, rule') }} as left_points
    from by_year

),

clipped as (

    select
        activity_id,
        rule,
        cast(left_points as bigint) as left_points
    from in_all
    where left_points < awarded_points

)

select * from clipped
