{#- An activity as each business says it. -#}
{% macro derived_activity_columns() -%}
    {{ return(['activity_id', 'source', 'document_no', 'account_id', 'activity_type', 'occurred_at', 'business_date',
        'reverses_activity_id', 'unit_id', 'merchant_id', 'channel', 'category', 'gross_fen', 'paid_fen', 'points',
        'quantity', 'source_file', 'source_row', 'load_date']) }}
{%- endmacro %}
