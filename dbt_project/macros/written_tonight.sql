{#- Of a raw table, the partition that a step of tonight's run wrote. -#}
{% macro written_tonight(relation) -%}
    select *
    from {{ relation }}
    where load_date = (select business_date from {{ ref('int_tonight') }})
{%- endmacro %}
