with offsets as (

    {{ written_tonight(source('rules', 'zone_offsets')) }}

),

named as (

    select
        business,
        offset_minutes,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from offsets

)

select * from named
