{#- A posted history of versions, each of which may name the night of the one that it replaces or say that it withdraws:
    of each key the version posted last, unless that withdrew it. Which ones were replaced is a table of its own: of how
    many a filter leaves DuckDB guesses a fifth, and would rather keep the whole history in memory than those few. -#}
{% macro versions_in_force(posted, superseded, keys) -%}
    select posted.*
    from {{ posted }} as posted
    left join {{ superseded }} as superseded
        on posted.posted_date = superseded.posted_date
        and {{ same_key('posted', 'superseded', keys) }}
    where superseded.{{ keys[0] }} is null
        and not posted.is_withdrawn
{%- endmacro %}
{#- The versions that a later night replaced. -#}
{% macro superseded_versions(posted, keys) -%}
    select
        {%- for key in keys %}
        {{ key }},
        {%- endfor %}
        replaces_posted_date as posted_date
    from {{ posted }}
    where replaces_posted_date is not null
{%- endmacro %}
{#- The first of two joined versions, the second where there is no first. -#}
{% macro first_version(one, other, keys, columns) -%}
    {%- for key in keys -%}
    coalesce({{ one }}.{{ key }}, {{ other }}.{{ key }}) as {{ key }},
    {% endfor -%}
    {%- for column in columns -%}
    case
        when {{ one }}.{{ keys[0] }} is null then {{ other }}.{{ column }} else {{ one }}.{{ column }}
    end as {{ column }}{{ ',\n    ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
{#- Whether two versions say different things; NULL equals NULL. -#}
{% macro says_otherwise(one, other, columns) -%}
    {%- for column in columns -%}
    {{ one }}.{{ column }} is distinct from {{ other }}.{{ column }}{{ ' or ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
