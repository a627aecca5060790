{#- The value of the account seen first among those that have one; source and account id break ties. -#}
{% macro first_known(column) -%}
    min_by({{ column }}, {{ 'row' if target.type == 'duckdb' else 'struct' }}(first_seen_date, source, account_id))
        filter (where {{ column }} is not null)
{%- endmacro %}
