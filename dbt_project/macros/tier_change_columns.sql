{#- Everything about a tier change, in one order. -#}
{% macro tier_change_columns(relation) -%}
    {%- for column in ['member_id', 'change_number', 'effective_date', 'from_tier', 'to_tier', 'reason',
        'growth_value', 'period_end_date'] -%}
    {{ relation }}.{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
