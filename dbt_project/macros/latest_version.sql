{#- The rows that count tonight: of all versions of a key, the one delivered last. Raw partitions of later nights
    (a crashed run of tomorrow) are not seen. -#}
{% macro latest_version(relation, key) %}
    select *
    from (
        select
            *,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by load_date desc, _source_file desc, _source_row desc
            ) as version_rank
        from {{ relation }}
        where load_date <= (select business_date from {{ ref('int_tonight') }})
    ) as versions
    where version_rank = 1
{% endmacro %}
