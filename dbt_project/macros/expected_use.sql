{#- How many of a cohort's points are expected to be used in all, in ten-thousandths of a point: what the estimate says of
    those issued, but no less than were used, and no more than were used or are still held. -#}
{% macro expected_use(per_10000) -%}
    used_points * 10000
        + least(held_points * 10000, greatest(kept_points * {{ per_10000 }} - used_points * 10000, 0))
{%- endmacro %}
