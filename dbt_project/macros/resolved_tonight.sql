{#- Of a table of components, the rows that count tonight: those of each night that tonight builds on, without the
    components that a later one of them resolved again (identity_resolution/nights.py). -#}
{% macro resolved_tonight(table) -%}
    select resolved.*
    from {{ source('identity', table) }} as resolved
    inner join ({{ resolved_nights() }}) as nights on resolved.load_date = nights.resolved_date
    left join (
        select
            retired.component,
            max(retired.load_date) as retired_date
        from {{ source('identity', 'retired_components') }} as retired
        inner join ({{ resolved_nights() }}) as later on retired.load_date = later.resolved_date
        group by retired.component
    ) as retirements on resolved.component = retirements.component
    where retirements.retired_date is null or retirements.retired_date <= resolved.load_date
{%- endmacro %}

{% macro resolved_nights() -%}
    select resolved_date
    from {{ source('identity', 'resolved_nights') }}
    where load_date = (select business_date from {{ ref('int_tonight') }})
{%- endmacro %}
