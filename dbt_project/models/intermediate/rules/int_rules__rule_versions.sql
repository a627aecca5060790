with rules as (

    {{ written_tonight(source('rules', 'rule_versions')) }}

),

named as (

    select
        rule_id,
        rule_name,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        source,
        approved_by
    from rules

)

select * from named
