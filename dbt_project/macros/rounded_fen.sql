{#- Points at a price in micro-fen, in whole fen, half away from zero. -#}
{% macro rounded_fen(points, micro_fen) -%}
    case
        when {{ points }} < 0 then -{{ divide_down('-(' ~ points ~ ') * ' ~ micro_fen ~ ' + 500000', '1000000') }}
        else {{ divide_down('(' ~ points ~ ') * ' ~ micro_fen ~ ' + 500000', '1000000') }}
    end
{%- endmacro %}
