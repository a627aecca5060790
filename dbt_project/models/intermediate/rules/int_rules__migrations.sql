with rules as (

    {{ written_tonight(source('rules', 'migrations')) }}

),

named as (

    select
        business,
        cut_over_date,
        legacy_system_name,
        signed_account_count,
        signed_points,
        is_counted_for_tiers,
        rule_id
    from rules

)

select * from named
