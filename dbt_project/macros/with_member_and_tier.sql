{#- Activities with the member of their account, and the tier that held on their own date: the lowest one until a
    first change, and where there is no member. -#}
{% macro with_member_and_tier(activities) -%}
    select
        {{ activities }}.*,
        links.member_id,
        coalesce(timeline.to_tier, lowest.tier) as tier
    from {{ activities }}
    cross join ({{ lowest_tier() }}) as lowest
    left join {{ ref('int_member_links') }} as links
        on {{ activities }}.source = links.source
        and {{ activities }}.account_id = links.account_id
    left join {{ ref('int_tier_timeline') }} as timeline
        on links.member_id = timeline.member_id
        and {{ activities }}.business_date >= timeline.effective_date
        and {{ activities }}.business_date < coalesce(timeline.valid_until_date, cast('9999-12-31' as date))
{%- endmacro %}
