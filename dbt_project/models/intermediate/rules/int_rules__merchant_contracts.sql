with rules as (

    {{ written_tonight(source('rules', 'merchant_contracts')) }}

),

named as (

    select
        business,
        merchant_id,
        category,
        commission_mode,
        commission_per_10000,
        commission_fen_per_order,
        merchant_per_10000,
        merchant_fen_per_order,
        step_method,
        monthly_minimum_fen,
        is_subsidy_in_base,
        tax_per_mille,
        tax_treatment,
        settlement_cycle,
        minimum_payout_fen,
        valid_from_date,
        coalesce(valid_until_date, cast('9999-12-31' as date)) as valid_until_date,
        rule_id
    from rules

)

select * from named
