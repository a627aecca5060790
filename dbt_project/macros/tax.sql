{#- The tax inside an amount, in fen: amount and its part without tax are as 1,000 + rate to 1,000, shared by largest
    remainder, a tie to the tax. That is half up, and away from zero of what is negative. -#}
{% macro tax_within(amount, per_mille) -%}
    case
        when {{ amount }} < 0 then -{{ divide_down('-(' ~ amount ~ ') * ' ~ per_mille ~ ' * 2 + 1000 + ' ~ per_mille,
            '2 * (1000 + ' ~ per_mille ~ ')') }}
        else {{ divide_down('(' ~ amount ~ ') * ' ~ per_mille ~ ' * 2 + 1000 + ' ~ per_mille,
            '2 * (1000 + ' ~ per_mille ~ ')') }}
    end
{%- endmacro %}
