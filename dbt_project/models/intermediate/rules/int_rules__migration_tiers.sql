with rules as (

    {{ written_tonight(source('rules', 'migration_tiers')) }}

),

named as (

    select
        business,
        cut_over_date,
        legacy_tier_name,
        tier,
        kept_through_date
    from rules

)

select * from named
