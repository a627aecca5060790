-- Missions whose tier, or a higher one, the member held by the evening of one of their days, as believed tonight. A tier
-- decided in the evening holds from the next day on.
with missions as (

    select * from {{ ref('int_missions') }}

),

timeline as (

    select * from {{ ref('int_tier_timeline') }}

),

tiers as (

    select * from {{ ref('int_tier_rules') }}

),

completed as (

    select
        missions.mission_id,
        greatest(min({{ add_days('timeline.effective_date', '-1') }}), missions.valid_from_date) as completed_date
    from missions
    inner join timeline
        on missions.member_id = timeline.member_id
        and timeline.effective_date <= missions.valid_until_date
        and coalesce(timeline.valid_until_date, cast('9999-12-31' as date)) > missions.valid_from_date
    inner join tiers as target on missions.tier = target.tier
    inner join tiers as held
        on timeline.to_tier = held.tier
        and held.tier_rank >= target.tier_rank
    group by missions.mission_id, missions.valid_from_date

)

select * from completed
