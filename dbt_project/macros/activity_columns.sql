{#- What an activity says; two versions of it that agree in this are the same. -#}
{% macro activity_content() -%}
    {{ return(['source', 'business', 'document_no', 'account_id', 'activity_type', 'occurred_at', 'business_date',
        'reverses_activity_id', 'unit_id', 'merchant_id', 'channel', 'category', 'gross_fen', 'discount_fen',
        'paid_fen', 'points', 'quantity']) }}
{%- endmacro %}
{#- Where it was delivered, by the version that first said so. -#}
{% macro activity_provenance() %}{{ return(['source_file', 'source_row', 'load_date']) }}{% endmacro %}
{#- Everything about an activity, in one order. -#}
{% macro activity_columns() -%}
    activity_id, {{ (activity_content() + activity_provenance()) | join(', ') }}
{%- endmacro %}
