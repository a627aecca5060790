{#- One common shape over all businesses: the rows of `int_<business>__<shape>` with the business in front. -#}
{% macro over_businesses(shape, columns) %}
    {%- for business in var('businesses') %}
    select
        '{{ business }}' as business,
        {{ columns | join(',\n        ') }}
    from {{ ref('int_' ~ business ~ '__' ~ shape) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{% endmacro %}
