with rules as (

    {{ written_tonight(source('rules', 'campaign_caps')) }}

),

named as (

    select
        campaign,
        rule,
        points_per_activity,
        points_per_day,
        points_per_month,
        points_per_year,
        points_in_all,
        awards_per_day,
        awards_per_month,
        awards_per_year,
        awards_in_all,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
