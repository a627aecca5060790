{#- Of a posted history, what the nights up to the last published one posted: not tonight's own partition when a night
    is run again, nor what a crashed night left behind. -#}
{% macro posted_before_tonight(relation) -%}
    select *
    from {{ relation }}
    where posted_date <= (select previous_date from {{ ref('int_tonight') }})
{%- endmacro %}
