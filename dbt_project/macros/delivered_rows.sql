{#- Of every table of every contract, what the rows claim whose key was delivered since the last night: key, content,
    version, amount, and where they stood. -#}
{% macro delivered_rows() %}
    {%- set tonight = ref('int_tonight') %}
    {%- for node in (graph.sources.values() | sort(attribute='unique_id') if execute else []) if 'key' in node.meta %}
    {%- set relation = source(node.source_name, node.name) %}
    select
        '{{ node.source_name }}' as source,
        '{{ node.name }}' as table_name,
        {{ row_key(node.meta.key) }} as row_key,
        _row_hash as row_hash,
        _version as version,
        _source_file as source_file,
        _source_row as source_row,
        load_date,
        {{ node.meta.control_total or 'cast(0 as bigint)' }} as amount_fen
    from {{ relation }}
    where load_date <= (select business_date from {{ tonight }})
        and {{ node.meta.key[0] }} in (
            select {{ node.meta.key[0] }} from {{ relation }}
            where load_date <= (select business_date from {{ tonight }})
                and load_date > (select news_after_date from {{ tonight }})
        )
    {{ 'union all' if not loop.last }}
    {%- else %}
    select 1 as nothing
    {%- endfor %}
{% endmacro %}
