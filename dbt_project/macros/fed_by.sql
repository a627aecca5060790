{#- From and joins of what the metrics of tiers are fed: a relation with the business, type and date of activities, by the
    feeds in force on that date. What happened through a migration's cut-over date counts only if the migration says so. -#}
{% macro fed_by(relation, business, activity_type, business_date) -%}
    from {{ relation }}
    inner join {{ ref('int_rules__tier_feeds') }} as feeds
        on {{ business }} = feeds.business
        and {{ activity_type }} = feeds.activity_type
        and {{ business_date }} >= feeds.valid_from_date
        and {{ business_date }} < feeds.valid_until_date
    left join {{ ref('int_rules__migrations') }} as migrations
        on {{ business }} = migrations.business
        and {{ business_date }} <= migrations.cut_over_date
        and not migrations.is_counted_for_tiers
    where migrations.business is null
{%- endmacro %}
