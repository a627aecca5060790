{{ config(materialized='derived') }}

with lines as (

    select
        line_id,
        entry_id,
        posted_date,
        business_date,
        period_month,
        origin_month,
        movement_type,
        payer_party,
        payee_party,
        least(payer_party, payee_party) as first_party,
        greatest(payer_party, payee_party) as second_party,
        points,
        unit_price_micro_fen,
        amount_fen,
        rounding_micro_fen,
        tax_treatment,
        tax_per_mille,
        cast(amount_fen - tax_fen as bigint) as ex_tax_fen,
        tax_fen,
        is_reversal,
        reversal_reason,
        source,
        account_id,
        activity_id,
        lot_id,
        issuer_business,
        redeemer_business,
        rule_id,
        document_no,
        unit_id,
        order_fen,
        source_file,
        source_row
    from {{ ref('int_settlement_periods') }}

)

select * from lines
