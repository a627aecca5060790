{#- A settlement line's own columns, in one order. -#}
{% macro settlement_line_columns() -%}
    line_id, entry_id, business_date, movement_type, payer_party, payee_party, points, unit_price_micro_fen,
    amount_fen, rounding_micro_fen, tax_treatment, tax_per_mille, tax_fen, is_reversal, source, account_id, activity_id, lot_id, issuer_business,
    redeemer_business, rule_id, document_no, unit_id, order_fen, source_file, source_row
{%- endmacro %}
