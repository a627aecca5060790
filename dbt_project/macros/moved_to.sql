{#- What an entry gave a party less what it took from it. -#}
{% macro moved_to(party) -%}
    (case when to_party = '{{ party }}' then points else 0 end
        - case when from_party = '{{ party }}' then points else 0 end)
{%- endmacro %}
