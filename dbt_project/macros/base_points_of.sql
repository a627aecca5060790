{#- Points that the base rate gives for what is left of an order, by its rate and the most for one order. -#}
{% macro base_points_of(amount, order) -%}
    {%- set of = order ~ '.' if order else '' -%}
    least(
        {{ divide_down(amount ~ ' * ' ~ of ~ 'rate', '100000000') }},
        coalesce({{ of }}most_points_per_order, {{ divide_down(amount ~ ' * ' ~ of ~ 'rate', '100000000') }})
    )
{%- endmacro %}
