-- The terms of every contract with merchants, a stretch of time a row; a settlement line names it by its rule_id.
with contracts as (

    select
        rule_id,
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
        valid_until_date
    from {{ ref('int_rules__merchant_contracts') }}

)

select * from contracts
