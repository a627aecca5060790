{#- First day of the window of the metrics of tiers that ends on a day, by the policy in force on it; `joined` is the day of
    the member's first activity that counts. The fold says the same (ledger/tier_rules.py). -#}
{% macro tier_window_start(day, policy, joined) -%}
    case {{ policy }}.window_kind
        when 'rolling_days' then {{ add_days(day, '1 - ' ~ policy ~ '.window_length') }}
        when 'rolling_months' then {{ add_days(add_months(day, '-' ~ policy ~ '.window_length'), '1') }}
        when 'membership_anniversary' then
            case
                when {{ add_months(joined, '12 * (year(' ~ day ~ ') - year(' ~ joined ~ '))') }} <= {{ day }}
                    then {{ add_months(joined, '12 * (year(' ~ day ~ ') - year(' ~ joined ~ '))') }}
                else {{ add_months(joined, '12 * (year(' ~ day ~ ') - year(' ~ joined ~ ') - 1)') }}
            end
        else
            {#- From the cycle's day of the year before, as many whole cycles as have begun since. #}
            {{ add_months(
                'make_date(cast(year(' ~ day ~ ') - 1 as int), cast(' ~ policy ~ '.cycle_start_month as int), '
                    ~ 'cast(' ~ policy ~ '.cycle_start_day as int))',
                policy ~ '.window_length * ' ~ divide_down(
                    '12 + month(' ~ day ~ ') - ' ~ policy ~ '.cycle_start_month - case when dayofmonth(' ~ day
                        ~ ') < ' ~ policy ~ '.cycle_start_day then 1 else 0 end',
                    policy ~ '.window_length')) }}
    end
{%- endmacro %}
