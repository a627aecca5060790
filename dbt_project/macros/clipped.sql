{#- Points after the cap of a period: no more than what the member's earlier awards in it leave, and none after so many
    awards. `of` are the columns that say whose period it is beside the member's (a rule, a campaign, a business, with a
    day or a month); `ties` puts awards of one activity into order. -#}
{% macro clipped(points, most_points, most_awards, of, ties='') -%}
    {%- set earlier -%}
    over (
            partition by member_id, {{ of }}
            order by business_date, occurred_at, activity_id{{ ties }}
            rows between unbounded preceding and 1 preceding
        )
    {%- endset -%}
    case
        {%- if most_awards %}
        when {{ most_awards }} <= coalesce(sum(case when {{ points }} > 0 then 1 else 0 end) {{ earlier }}, 0) then 0
        {%- endif %}
        when {{ most_points }} is null then {{ points }}
        else least({{ points }}, greatest({{ most_points }} - coalesce(sum({{ points }}) {{ earlier }}, 0), 0))
    end
{%- endmacro %}
