with rules as (

    {{ written_tonight(source('rules', 'tier_feeds')) }}

),

named as (

    select
        metric,
        feed_number,
        unit,
        business,
        activity_type,
        coalesce(is_pending_counted, false) as is_pending_counted,
        value,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
