{#- Whether a value stands in a list as rule books compile it (|a|b|); a list that is NULL asks nothing. -#}
{% macro is_listed(value, list) -%}
    ({{ list }} is null or coalesce({{ list }} like '%|' || {{ value }} || '|%', false))
{%- endmacro %}
