{#- Columns that every row fills; a failure shows how many rows do not, by column. One pass for all of them. -#}
{% test never_null(model, columns) %}
with nulls as (
    select
        {%- for column in columns %}
        count_if({{ column }} is null) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

select * from nulls
where {{ columns | join(' + ') }} > 0
{% endtest %}
