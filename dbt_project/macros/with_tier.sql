{#- Activities of members with the tier that held on their own date: the lowest one until a first change. -#}
{% macro with_tier(activities) -%}
    select
        {{ activities }}.*,
        coalesce(timeline.to_tier, lowest.tier) as tier
    from {{ activities }}
    cross join ({{ lowest_tier() }}) as lowest
    left join {{ ref('int_tier_timeline') }} as timeline
        on {{ activities }}.member_id = timeline.member_id
        and {{ activities }}.business_date >= timeline.effective_date
        and {{ activities }}.business_date < coalesce(timeline.valid_until_date, cast('9999-12-31' as date))
{%- endmacro %}
