{#
    How the working database of a night gets its views and tables. It belongs to one night and can be made again from
    the lake, so what has the name is simply replaced; dbt's own way (make beside, rename twice, drop) is for databases
    that people read meanwhile, and costs half of the time of a small night's models.
#}
{% materialization view, adapter='duckdb' %}
    {% do drop_other_kind(this, 'view') %}
    {% call statement('main') %}create or replace view {{ this }} as ({{ sql }}){% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}

{% materialization table, adapter='duckdb' %}
    {% set existing = load_cached_relation(this) %}
    {% if existing is not none %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
    {% call statement('main') %}{{ create_table_as(False, this, sql) }}{% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmaterialization %}

{#
    A table that is a Parquet file, with a view of its name over it: Python steps read it without waiting for the lock
    of the working database, and long tables of text are written for less than half of what DuckDB's own tables take
    (DECISIONS). Ids are told from names after a thousand values, and there are no filters that nobody would ask.
    dbt-duckdb's `external` will not do: of an empty table it makes a file with one row of NULLs.
    With `joins_as_written` the right side of each outer or semi join is what is kept in memory; DuckDB, which guesses a
    fifth for each comparison with tonight, would rather keep the longer left one, and then works with one thread.
#}
{% materialization file, adapter='duckdb' %}
    {%- set path = place_in_lake('work/handover/' ~ this.identifier ~ '.parquet') -%}
    {%- if config.get('contract').enforced %}
        {% do get_assert_columns_equivalent(sql) %}
    {%- endif %}
    {% do drop_other_kind(this, 'view') %}
    {% if config.get('joins_as_written') %}
        {% do run_query("set disabled_optimizers = 'build_side_probe_side'") %}
    {% endif %}
    {% call statement('main') %}
    copy ({{ sql }}) to '{{ path }}' (
        format parquet, compression lz4_raw, parquet_version v2, dictionary_size_limit 1000, write_bloom_filter false
    )
    {% endcall %}
    {% if config.get('joins_as_written') %}
        {% do run_query("reset disabled_optimizers") %}
    {% endif %}
    {% do run_query("create or replace view " ~ this ~ " as select * from read_parquet('" ~ path ~ "')") %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}

{#  On Spark any table is files. #}
{% materialization file, adapter='spark' %}
    {% do return(materialization_table_spark()) %}
{% endmaterialization %}

{#
    A long mart that says what lies in files already, row by row: to write it once more would cost more than its readers
    pay. A view that is held to the mart's contract; on Spark a table, since publishing reads Spark's files.
#}
{% materialization derived, adapter='duckdb' %}
    {% do get_assert_columns_equivalent(sql) %}
    {% do return(materialization_view_duckdb()) %}
{% endmaterialization %}

{% materialization derived, adapter='spark' %}
    {% do return(materialization_table_spark()) %}
{% endmaterialization %}

{#  A view cannot replace a table: the one of an earlier release of the project goes first. #}
{% macro drop_other_kind(relation, kind) %}
    {% set existing = load_cached_relation(relation) %}
    {% if existing is not none and existing.type != kind %}
        {% do adapter.drop_relation(existing) %}
    {% endif %}
{% endmacro %}
