with rules as (

    {{ written_tonight(source('rules', 'redemption_estimates')) }}

),

named as (

    select
        issuer_business,
        issued_from_date,
        coalesce(issued_until_date, cast('9999-12-31' as date)) as issued_until_date,
        redeemed_per_10000,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
