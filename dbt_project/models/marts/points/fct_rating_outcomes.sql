with ratings as (

    select * from {{ ref('int_rating_outcomes') }}

),

outcomes as (

    select
        activity_id,
        rule,
        business,
        member_id,
        account_id,
        business_date,
        outcome,
        points,
        base_points,
        business_multiplier_percent,
        tier,
        tier_multiplier_percent,
        clipped_points,
        rule_id
    from ratings

)

select * from outcomes
