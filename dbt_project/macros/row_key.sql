{#- A hash over columns that keeps NULL and '' apart and no two neighbours together. -#}
{% macro row_key(columns) -%}
    md5(concat(
        {%- for column in columns %}
        coalesce('=' || cast({{ column }} as string), '-'), '|'{{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}
