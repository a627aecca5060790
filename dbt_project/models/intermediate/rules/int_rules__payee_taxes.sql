with rules as (

    {{ written_tonight(source('rules', 'payee_taxes')) }}

),

named as (

    select
        payee as payee_party,
        movement_type,
        tax_treatment,
        tax_per_mille,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
