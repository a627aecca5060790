{#- Whether a refund is the one that leaves nothing of its order; one of nothing that was left is not. -#}
{% macro is_full_refund(refunds) -%}
    {{ refunds }}.remaining_before_fen > 0 and {{ refunds }}.remaining_after_fen = 0
{%- endmacro %}
