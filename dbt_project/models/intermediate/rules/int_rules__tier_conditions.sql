with rules as (

    {{ written_tonight(source('rules', 'tier_conditions')) }}

),

named as (

    select
        tier,
        tier_rank,
        purpose,
        way_number,
        group_number,
        needed_count,
        metric,
        at_least,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
