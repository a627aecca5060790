{#- What a bonus rule asks and gives of an activity in its scope, in one order. -#}
{% macro bonus_rule_columns(rules) -%}
    {%- for column in ['rule', 'rule_id', 'percent_of_base', 'points_per_10000_fen', 'points', 'for_each_fen',
        'least_paid_fen', 'tiers', 'ordinal_period', 'ordinal_from', 'ordinal_until', 'with_mission', 'with_tag', 'is_full_price_asked',
        'birthday_window', 'birthday_days_before', 'birthday_days_after', 'points_per_activity', 'points_per_day',
        'points_per_month', 'points_per_year', 'points_in_all', 'awards_per_day', 'awards_per_month', 'awards_per_year', 'awards_in_all',
        'only_best_of', 'rank'] -%}
    {{ rules }}.{{ column }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
{#- The minute of the day by the clocks of a business, whose offset from UTC stands in `offsets`. -#}
{% macro minute_of_day(occurred_at) -%}
    mod(extract(hour from {{ occurred_at }}) * 60 + extract(minute from {{ occurred_at }})
        + offsets.offset_minutes + 1440, 1440)
{%- endmacro %}
{#- Whether a minute of the day lies in a rule's hours, the last one excluded; hours may cross midnight. -#}
{% macro is_within_day(minute, rules) -%}
    case
        when {{ rules }}.from_minute <= {{ rules }}.until_minute
            then {{ minute }} >= {{ rules }}.from_minute and {{ minute }} < {{ rules }}.until_minute
        else {{ minute }} >= {{ rules }}.from_minute or {{ minute }} < {{ rules }}.until_minute
    end
{%- endmacro %}
{#- Points that a rule gives for an amount in fen, before caps. The base rate counts ten-thousandths of a point a
    hundred fen thrice (three percentages), so a percentage of it divides by 100 more, once, rounded down; where the base
    gives no more than so much for one order, it is a percentage of that. -#}
{% macro bonus_points(amount) -%}
    {%- set of_base = divide_down(amount ~ ' * base_rate * percent_of_base', '10000000000') -%}
    case
        when percent_of_base is not null
            then least(
                {{ of_base }},
                coalesce({{ divide_down('most_points_per_order * percent_of_base', '100') }}, {{ of_base }})
            )
        when points_per_10000_fen is not null
            then {{ divide_down(amount ~ ' * points_per_10000_fen', '10000') }}
        when for_each_fen is not null
            then {{ divide_down(amount, 'for_each_fen') }} * points
        when {{ amount }} > 0 or paid_fen = 0 then points
        else 0
    end
{%- endmacro %}
{#- The same of what is left of an order after refunds: what no longer reaches the least amount earns nothing. -#}
{% macro bonus_points_left(amount) -%}
    case
        when least_paid_fen is not null and {{ amount }} < least_paid_fen then 0
        else least({{ bonus_points(amount) }}, awarded_points)
    end
{%- endmacro %}
