{#- The materialisation of a model that a Python step reads next: a Parquet file of its own, so that no process
    waits for the lock of the working database. -#}
{% macro handed_over() %}
    {{- return('external' if target.type == 'duckdb' else 'table') -}}
{% endmacro %}
