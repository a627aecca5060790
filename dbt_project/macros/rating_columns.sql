{#- An outcome, in one order. -#}
{% macro rating_columns(ratings) -%}
    {%- for column in ['activity_id', 'rule', 'activity_type', 'business', 'business_date', 'occurred_at',
        'reverses_activity_id', 'member_id', 'source', 'account_id', 'outcome', 'points', 'base_points',
        'business_multiplier_percent', 'tier', 'tier_multiplier_percent', 'clipped_points', 'rule_id',
        'expires_on_date', 'refund_policy', 'price_date'] -%}
    {{ ratings }}.{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
