with rules as (

    {{ written_tonight(source('rules', 'audiences')) }}

),

named as (

    select
        audience,
        audience_name,
        kind,
        limit_value,
        issuer,
        account_at,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
