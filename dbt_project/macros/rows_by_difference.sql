{#- Difference posting of rows that are there or not: what is derived of touched members and was not posted is added, what
    was posted and is no longer derived is taken back. `thing` names the key and the id of a row. -#}
{% macro rows_by_difference(derived, posted, columns, thing) -%}
    select
        md5(differences.{{ thing }}_key || '|' || cast(tonight.business_date as string)) as {{ thing }}_id,
        differences.{{ thing }}_key,
        differences.{{ columns | join(',\n        differences.') }},
        differences.difference < 0 as is_reversal
    from (
        select
            {{ row_key(columns) }} as {{ thing }}_key,
            {{ columns | join(', ') }},
            sum(difference) as difference
        from (
            select {{ columns | join(', ') }}, 1 as difference
            from {{ derived }}
            union all
            select
                posted.{{ columns | join(', posted.') }},
                case when posted.is_reversal then 1 else -1 end as difference
            from {{ posted }} as posted
            inner join {{ ref('int_touched_members') }} as touched on posted.member_id = touched.member_id
        ) as both_sides
        group by {{ columns | join(', ') }}
        having sum(difference) <> 0
    ) as differences
    cross join {{ ref('int_tonight') }} as tonight
{%- endmacro %}
