{#- A whole number that tells rows of other content apart, wide enough to be multiplied and summed. It costs a tenth of
    grouping by the columns. Good within one query alone: other releases of an engine give other numbers. -#}
{% macro content_number(columns) -%}
    {%- if target.type == 'duckdb' -%}
    cast(hash({{ columns | join(', ') }}) as hugeint)
    {%- else -%}
    cast(xxhash64(
        {%- for column in columns %}coalesce(cast({{ column }} as string), '-'){{ ', ' if not loop.last }}{% endfor -%}
    ) as decimal(20, 0))
    {%- endif -%}
{%- endmacro %}
