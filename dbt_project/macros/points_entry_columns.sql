{#- What makes two points entries the same, in the order of their key. -#}
{% macro points_entry_content() -%}
    {{ return(['entry_type', 'source', 'account_id', 'activity_id', 'lot_id', 'parent_lot_id', 'debt_activity_id',
        'business_date', 'issuer_business', 'redeemer_business', 'settling_business', 'price_date',
        'expires_on_date', 'release_on_date', 'rule_id', 'from_party', 'to_party']) }}
{%- endmacro %}
{#- Everything about a points entry but its amount, in one order. -#}
{% macro points_entry_columns() %}entry_key, {{ points_entry_content() | join(', ') }}{% endmacro %}
