with rules as (

    {{ written_tonight(source('rules', 'tags')) }}

),

named as (

    select
        tag,
        tag_name,
        businesses,
        categories,
        channels,
        from_minute,
        until_minute,
        arrival,
        within_days,
        orders_at_least,
        paid_fen_at_least,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
