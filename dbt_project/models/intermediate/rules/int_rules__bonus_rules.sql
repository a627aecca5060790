with rules as (

    {{ written_tonight(source('rules', 'bonus_rules')) }}

),

named as (

    select
        rule,
        business,
        activity_type,
        merchants,
        channels,
        categories,
        weekdays,
        from_minute,
        until_minute,
        percent_of_base,
        points_per_10000_fen,
        points,
        for_each_fen,
        least_paid_fen,
        tiers,
        ordinal_period,
        ordinal_from,
        ordinal_until,
        with_mission,
        with_tag,
        is_full_price_asked,
        birthday_window,
        birthday_days_before,
        birthday_days_after,
        points_per_activity,
        points_per_day,
        points_per_month,
        points_per_year,
        points_in_all,
        awards_per_day,
        awards_per_month,
        awards_per_year,
        awards_in_all,
        only_best_of,
        rank,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
