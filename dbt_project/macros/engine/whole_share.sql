{#- A non-negative amount times a part of a whole, rounded half up once, in whole numbers wide enough for the product. -#}
{% macro whole_share(amount, part, whole) -%}
    {%- if target.type == 'duckdb' -%}
    cast((cast({{ amount }} as hugeint) * ({{ part }}) * 2 + ({{ whole }})) // (2 * ({{ whole }})) as bigint)
    {%- else -%}
    cast((cast({{ amount }} as decimal(38, 0)) * ({{ part }}) * 2 + ({{ whole }})) div (2 * ({{ whole }})) as bigint)
    {%- endif -%}
{%- endmacro %}
