{#- After a model that a Python step reads next: its rows, in their order, as a Parquet file of their own, so that no
    process waits for the lock of the working database. (An `external` model will not do: of an empty table it makes
    a file with one row of NULLs.) -#}
{% macro hand_over() %}
    {%- if target.type == 'duckdb' -%}
    copy (select * from {{ this }})
    to '{{ env_var('LAKE_ROOT', '../lake') }}/work/handover/{{ this.identifier }}.parquet' (format parquet)
    {%- endif -%}
{% endmacro %}
