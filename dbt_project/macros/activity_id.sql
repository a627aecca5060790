{#- The id of an activity: a hash of source, kind and the source's own key, the same on every rebuild. -#}
{% macro activity_id(source, kind, key) %}md5('{{ source }}|{{ kind }}|' || {{ key }}){% endmacro %}
