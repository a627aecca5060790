{#- The documents (receipts, folios …) named by any version of a row that was delivered since the last night; of every
    row when everything is derived again. -#}
{% macro touched_documents(relation, key, document) %}
    {%- set tonight = ref('int_tonight') %}
    {%- set since_last_night %}load_date <= (select business_date from {{ tonight }})
        and load_date > (select news_after_date from {{ tonight }}){% endset %}
    select {{ document }} as document_no
    from {{ relation }}
    {%- if document in key %}
    where {{ since_last_night }}
    {%- else %}
    where {{ key[0] }} in (select {{ key[0] }} from {{ relation }} where {{ since_last_night }})
    {%- endif %}
{%- endmacro %}
