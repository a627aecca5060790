{#- A posted amount with its sign: entries are positive, a reversal takes an earlier one back. -#}
{% macro signed(amount) %}case when is_reversal then -{{ amount }} else {{ amount }} end{% endmacro %}
