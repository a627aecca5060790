{#- One share of a total by largest remainder (RULES §10): its whole units, and one more for the largest remainders until
    nothing is left. `total` is what the partition shares out; ties go to the first by `ties`. A share without remainder
    gets nothing more, so zero weight gets zero. -#}
{% macro largest_remainder(whole, remainder, total, partition, ties) -%}
    cast({{ whole }} + case
        when row_number() over (partition by {{ partition }} order by {{ remainder }} desc, {{ ties }})
            <= {{ total }} - sum({{ whole }}) over (partition by {{ partition }}) then 1
        else 0
    end as bigint)
{%- endmacro %}
{#- What a share differs from its exact amount by, in millionths, of whole units plus remainder / weights. -#}
{% macro share_rounding(share, whole, remainder, weights) -%}
    cast(case
        when {{ share }} > {{ whole }} then {{ divide_down('(' ~ weights ~ ' - ' ~ remainder ~ ') * 1000000', weights) }}
        else -{{ divide_down(remainder ~ ' * 1000000', weights) }}
    end as bigint)
{%- endmacro %}
