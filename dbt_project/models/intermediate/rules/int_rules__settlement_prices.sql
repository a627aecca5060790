with rules as (

    {{ written_tonight(source('rules', 'settlement_prices')) }}

),

named as (

    select
        issuer_business,
        redeemer_business,
        issue_price_micro_fen,
        reimbursement_price_micro_fen,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
