with rules as (

    {{ written_tonight(source('rules', 'base_caps')) }}

),

named as (

    select
        business,
        points_per_day,
        points_per_month,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
