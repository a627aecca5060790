with rules as (

    {{ written_tonight(source('rules', 'expiry')) }}

),

named as (

    select
        business,
        idle_months is not null as has_idle_months,
        exempt_tiers <> '' as has_exempt_tiers,
        anniversary_years is not null as has_anniversary,
        renewal_points_per_10000_fen,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
