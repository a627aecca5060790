-- Every line of which the points were not opened, and every line whose tier nobody has mapped, one by one.
with legacy_outcomes as (

    select * from {{ ref('int_legacy_outcomes') }}

),

reasons as (

    select
        *,
        outcome as reason,
        legacy_points as excepted_points
    from legacy_outcomes
    where is_excepted
    union all
    select
        *,
        'unknown_tier' as reason,
        cast(0 as bigint) as excepted_points
    from legacy_outcomes
    where has_unknown_tier

),

exceptions as (

    select
        business,
        line_no,
        reason,
        cut_over_date,
        account_id,
        member_id,
        excepted_points,
        expires_on_date,
        legacy_tier_name,
        activity_id,
        source_file,
        source_row
    from reasons

)

select * from exceptions
