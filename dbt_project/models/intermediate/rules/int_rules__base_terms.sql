with rules as (

    {{ written_tonight(source('rules', 'base_terms')) }}

),

named as (

    select
        business,
        earns_with_discount,
        most_points_per_order,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date
    from rules

)

select * from named
