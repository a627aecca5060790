{#- The tier that everybody begins in: the first one of the tier book. One row, also without rules. -#}
{% macro lowest_tier() -%}
    select min(tier) as tier from {{ ref('int_rules__tiers') }} where tier_rank = 0
{%- endmacro %}
