-- Where what an app told somebody at once is not what the order earned, and why. Refunds are another matter: both sides
-- are of the order as it was paid.
with shown as (

    select * from {{ ref('int_shown_points') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

outcomes as (

    select * from {{ ref('int_rating_outcomes') }}

),

earned as (

    select
        activity_id,
        sum(case when outcome = 'awarded' then points else 0 end) as awarded_points,
        sum(case when outcome = 'awarded' and rule = 'base' then points else 0 end) as base_awarded_points,
        max(case when rule = 'base' then clipped_points end) as base_clipped_points,
        max(case
            when rule = 'base' then {{ divide_down('base_points * business_multiplier_percent', '100') }}
        end) as untiered_points,
        max(case when rule = 'base' then outcome end) as base_outcome
    from outcomes
    group by activity_id

),

compared as (

    select
        shown.*,
        links.member_id,
        coalesce(earned.awarded_points, 0) as awarded_points,
        coalesce(earned.awarded_points, 0) - shown.shown_points as difference_points,
        case
            when earned.activity_id is null then 'not_an_activity'
            when earned.base_outcome <> 'awarded' then earned.base_outcome
            when earned.base_clipped_points > 0 and shown.shown_points in (
                earned.base_awarded_points + earned.base_clipped_points, earned.untiered_points
            ) then 'cap_not_shown'
            when shown.shown_points = earned.base_awarded_points then 'bonus_not_shown'
            when shown.shown_points = earned.untiered_points
                and earned.awarded_points = earned.base_awarded_points then 'tier_not_shown'
            when shown.shown_points = earned.untiered_points then 'tier_and_bonus_not_shown'
            else 'shown_by_other_rules'
        end as reason
    from shown
    left join earned on shown.activity_id = earned.activity_id
    left join links
        on shown.source = links.source
        and shown.account_id = links.account_id

),

variances as (

    select
        activity_id, business, source, document_no, member_id, account_id, business_date, shown_points,
        cast(awarded_points as bigint) as awarded_points, cast(difference_points as bigint) as difference_points, reason
    from compared
    where difference_points <> 0

)

select * from variances
