{#- The month for which a posting counts: that in which it was posted; of a late one its own, if it came within the days of
    grace (`terms`) or if that month was reopened later (`restated`). So each counts once, and never for a month closed
    without it. -#}
{% macro counted_month(posted_date, origin_month) -%}
    case
        when {{ origin_month }} < {{ month_of(posted_date) }} and (
            {{ posted_date }} < {{ add_days(add_months(origin_month, 1), 'terms.grace_days') }}
            or {{ posted_date }} <= restated.posted_through_date
        ) then {{ origin_month }}
        else {{ month_of(posted_date) }}
    end
{%- endmacro %}
