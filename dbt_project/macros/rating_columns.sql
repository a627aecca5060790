{#- What an outcome says; two versions of it that agree in this are the same. The member is not part of it: an outcome
    stays with its account, whoever that belongs to. -#}
{% macro rating_content() -%}
    {{ return(['activity_type', 'business', 'business_date', 'occurred_at', 'reverses_activity_id', 'source',
        'account_id', 'outcome', 'points', 'base_points', 'business_multiplier_percent', 'tier',
        'tier_multiplier_percent', 'clipped_points', 'rule_id', 'refund_policy', 'price_date']) }}
{%- endmacro %}
{#- An outcome as it is posted, in one order. -#}
{% macro posted_rating_columns() %}activity_id, rule, {{ rating_content() | join(', ') }}{% endmacro %}
