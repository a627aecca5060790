{#- One common shape over all businesses: the rows of `int_<business>__<shape>` with the business in front. A shape that
    not every business fills has a list of its own, the variable of its name. -#}
{% macro over_businesses(shape, columns) %}
    {%- for business in var(shape, var('businesses')) %}
    select
        '{{ business }}' as business,
        {{ columns | join(',\n        ') }}
    from {{ ref('int_' ~ business ~ '__' ~ shape) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{% endmacro %}
