{#- A date some days or months later; the month end is kept where the day does not exist (31 January + 1 month). -#}
{% macro add_months(date, months) %}cast({{ dbt.dateadd('month', months, date) }} as date){% endmacro %}
{% macro add_days(date, days) %}cast({{ dbt.dateadd('day', days, date) }} as date){% endmacro %}
{% macro month_of(date) %}cast({{ dbt.date_trunc('month', date) }} as date){% endmacro %}
