with rules as (

    {{ written_tonight(source('rules', 'funding')) }}

),

named as (

    select
        issuer_business,
        deposit_percent,
        returned_percent,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
