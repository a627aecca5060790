with rules as (

    {{ written_tonight(source('rules', 'benefits')) }}

),

named as (

    select
        benefit,
        benefit_name,
        business,
        lowest_tier,
        quantity,
        quantity_unit,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
