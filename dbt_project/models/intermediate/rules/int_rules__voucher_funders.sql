with rules as (

    {{ written_tonight(source('rules', 'voucher_funders')) }}

),

named as (

    select
        business,
        coalesce(voucher_prefix, '') as voucher_prefix,
        funder,
        percent,
        fen,
        most_fen,
        is_bearing_rest,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
