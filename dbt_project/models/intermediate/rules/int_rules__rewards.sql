with rules as (

    {{ written_tonight(source('rules', 'rewards')) }}

),

named as (

    select
        reward,
        reward_name,
        business,
        price_points,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
