{#- Whether two relations' rows are of the same key, whose columns are never NULL. -#}
{% macro same_key(left, right, key) -%}
    {%- for column in key %}{{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}{% endfor -%}
{%- endmacro %}
