{#- The path of a file or folder of the lake. -#}
{% macro place_in_lake(location) %}{{ return(env_var('LAKE_ROOT', '../lake') ~ '/' ~ location) }}{% endmacro %}
{#- What `source()` gives: the files of the lake at `raw/<source>/<table>` or at the source's `meta.location`, with the
    date in a folder's name as a column. In a unit test it is the rows that the test gives. -#}
{% macro source(source_name, table_name) %}
    {%- set relation = builtins.source(source_name, table_name) -%}
    {%- if not execute or relation.is_cte -%}{{ return(relation) }}{%- endif -%}
    {%- set meta = graph.sources['source.' ~ project_name ~ '.' ~ source_name ~ '.' ~ table_name].source_meta -%}
    {%- set location = (meta.location or 'raw/' ~ source_name ~ '/{name}').replace('{name}', table_name) -%}
    {%- set place = place_in_lake(location) -%}
    {%- if target.type != 'duckdb' -%}
    {{ return('parquet.`' ~ place ~ '`') }}
    {%- elif location.endswith('.parquet') -%}
    {{ return("read_parquet('" ~ place ~ "')") }}
    {%- endif -%}
    {{ return("read_parquet('" ~ place ~ "/*/*.parquet', hive_partitioning = true)") }}
{% endmacro %}
