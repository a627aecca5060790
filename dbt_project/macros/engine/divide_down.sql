{#- Whole quotient of two non-negative integers, rounded down. Engines spell it differently, and `/` is floating
    point on one of them. -#}
{% macro divide_down(dividend, divisor) %}
    {%- if target.type == 'duckdb' -%}
    (({{ dividend }}) // ({{ divisor }}))
    {%- else -%}
    (({{ dividend }}) div ({{ divisor }}))
    {%- endif -%}
{% endmacro %}
