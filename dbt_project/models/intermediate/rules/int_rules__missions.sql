with rules as (

    {{ written_tonight(source('rules', 'missions')) }}

),

named as (

    select
        mission,
        mission_name,
        business,
        metric,
        missing_at_most,
        tiers,
        days,
        again_after_days,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
