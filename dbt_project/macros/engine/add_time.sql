{#- A date some days or months later; the month end is kept where the day does not exist (31 January + 1 month). -#}
{% macro add_days(date, days) -%}
    {%- if target.type == 'duckdb' -%}
    cast({{ date }} + to_days(cast({{ days }} as integer)) as date)
    {%- else -%}
    date_add({{ date }}, cast({{ days }} as int))
    {%- endif -%}
{%- endmacro %}
{% macro add_months(date, months) -%}
    {%- if target.type == 'duckdb' -%}
    cast({{ date }} + to_months(cast({{ months }} as integer)) as date)
    {%- else -%}
    add_months({{ date }}, cast({{ months }} as int))
    {%- endif -%}
{%- endmacro %}
{% macro month_of(date) %}cast({{ dbt.date_trunc('month', date) }} as date){% endmacro %}
