with rules as (

    {{ written_tonight(source('rules', 'close_terms')) }}

),

named as (

    select
        grace_days,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
