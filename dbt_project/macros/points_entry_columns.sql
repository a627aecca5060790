{#- Everything about a points entry but its amount, in one order. -#}
{% macro points_entry_columns(swap_if_reversed=false) -%}
    entry_key, business_date, entry_type,
    {% if swap_if_reversed -%}
    case when is_reversal then to_party else from_party end as from_party,
    case when is_reversal then from_party else to_party end as to_party,
    {%- else -%}
    from_party, to_party,
    {%- endif %}
    source, account_id, activity_id, lot_id, parent_lot_id, debt_activity_id, issuer_business,
    redeemer_business, settling_business, price_date, expires_on_date, release_on_date, rule_id
{%- endmacro %}
