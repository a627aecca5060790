with rules as (

    select
        rule_id,
        rule_name,
        valid_from_date,
        valid_until_date,
        source,
        approved_by
    from {{ ref('int_rules__rule_versions') }}

)

select * from rules
