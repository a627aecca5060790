{#- Orders of members with what tags may ask of them besides: the minute of the day, and how the member came. A session in a
    car park is known by its end alone, so whoever left one on the order's business date, no earlier than the order,
    came by car. -#}
{% macro with_circumstances(orders) -%}
    select
        {{ orders }}.*,
        {{ minute_of_day(orders ~ '.occurred_at') }} as minute_of_day,
        case when cars.left_at >= {{ orders }}.occurred_at then 'car' else 'other' end as arrival
    from {{ orders }}
    left join {{ ref('int_rules__zone_offsets') }} as offsets
        on {{ orders }}.business = offsets.business
        and {{ orders }}.business_date >= offsets.valid_from_date
        and {{ orders }}.business_date < offsets.valid_until_date
    left join (
        select
            member_id,
            business_date,
            max(occurred_at) as left_at
        from {{ orders }}
        where activity_type = 'parking_session'
        group by member_id, business_date
    ) as cars
        on {{ orders }}.member_id = cars.member_id
        and {{ orders }}.business_date = cars.business_date
{%- endmacro %}
{#- Whether an order is of those that a definition of a tag counts. -#}
{% macro counts_to_tag(orders, definitions) -%}
    {{ orders }}.paid_fen > 0
        and {{ is_listed(orders ~ '.business', definitions ~ '.businesses') }}
        and {{ is_listed(orders ~ '.category', definitions ~ '.categories') }}
        and {{ is_listed(orders ~ '.channel', definitions ~ '.channels') }}
        and ({{ definitions }}.arrival is null or {{ definitions }}.arrival = {{ orders }}.arrival)
        and ({{ definitions }}.from_minute is null
            or coalesce({{ is_within_day(orders ~ '.minute_of_day', definitions) }}, false))
{%- endmacro %}
