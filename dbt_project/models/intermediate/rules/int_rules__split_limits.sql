with rules as (

    {{ written_tonight(source('rules', 'split_limits')) }}

),

named as (

    select
        channel,
        most_per_10000,
        most_receivers,
        most_requests,
        split_within_days,
        return_within_days,
        most_subsidy_fen,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
