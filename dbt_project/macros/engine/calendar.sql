{#- Days from one date to a later one. -#}
{% macro days_between(earlier, later) -%}
    {%- if target.type == 'duckdb' -%}
    date_diff('day', {{ earlier }}, {{ later }})
    {%- else -%}
    datediff({{ later }}, {{ earlier }})
    {%- endif -%}
{%- endmacro %}
{#- 1 is Monday, 7 is Sunday, of dates from 1970-01-05 (a Monday) on; engines number weekdays differently. -#}
{% macro weekday_of(date) -%}
    (mod({{ days_between("cast('1970-01-05' as date)", date) }}, 7) + 1)
{%- endmacro %}
{#- The Monday on which a date's week starts. -#}
{% macro week_of(date) -%}
    {{ add_days(date, '-mod(' ~ days_between("cast('1970-01-05' as date)", date) ~ ', 7)') }}
{%- endmacro %}
{#- The birthday in the year of a date, of whoever was born in that month on that day; 29 February is the 28th in a year
    that has none. -#}
{% macro birthday_in_year_of(date, month, day) -%}
    {%- set first -%}{{ add_months(year_of(date), month ~ ' - 1') }}{%- endset -%}
    {{ add_days(first, 'least(' ~ day ~ ', ' ~ days_between(first, add_months(first, '1')) ~ ') - 1') }}
{%- endmacro %}
{#- The first day of the year of a date. -#}
{% macro year_of(date) %}cast({{ dbt.date_trunc('year', date) }} as date){% endmacro %}
