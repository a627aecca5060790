with rules as (

    {{ written_tonight(source('rules', 'earning')) }}

),

named as (

    select
        business,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        points_per_10000_fen,
        multiplier_percent,
        refund_policy,
        rule_id
    from rules

)

select * from named
