{#- Everything about a tier change, in one order. -#}
{% macro tier_change_names() -%}
    {{ return(['member_id', 'change_number', 'effective_date', 'from_tier', 'to_tier', 'reason', 'growth_value',
        'period_end_date', 'window_start_date', 'rule_id', 'way_number']) }}
{%- endmacro %}
{#- Everything about the evidence of a change, in one order: one row a metric. -#}
{% macro tier_evidence_names() -%}
    {{ return(['member_id', 'change_number', 'effective_date', 'metric', 'metric_value', 'reversed_value',
        'reversed_from_date', 'reversed_to_date', 'counted_to_date', 'carried_value']) }}
{%- endmacro %}
{% macro tier_change_columns(relation) -%}{{ relation }}.{{ tier_change_names() | join(', ' ~ relation ~ '.') }}{%- endmacro %}
{% macro tier_evidence_columns(relation) -%}
    {{ relation }}.{{ tier_evidence_names() | join(', ' ~ relation ~ '.') }}
{%- endmacro %}
