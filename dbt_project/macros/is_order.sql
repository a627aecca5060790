{#- Whether an activity is an order: paid for, earning, open to refunds. -#}
{% macro is_order(activity_type) -%}
    {{ activity_type }} in ('purchase', 'stay', 'fee_payment', 'parking_session')
{%- endmacro %}
