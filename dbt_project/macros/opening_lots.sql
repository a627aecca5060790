{#- Whether a lot was brought from a system before this one; also if it is a renewed piece of such a lot. Its points
    were never paid into the fund: whoever takes them is paid by their issuer. -#}
{% macro is_opening_lot(lot_id) %}coalesce({{ lot_id }} like 'opening/%', false){% endmacro %}
