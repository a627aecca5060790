with rules as (

    {{ written_tonight(source('rules', 'tier_policy')) }}

),

named as (

    select
        window_kind,
        window_length,
        cycle_start_month,
        cycle_start_day,
        period_months,
        grace_days,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
