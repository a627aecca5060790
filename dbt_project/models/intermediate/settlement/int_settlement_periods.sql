-- The month for which a line counts: that in which it was posted; of a late one its own, if it came within the days of
-- grace or if that month was reopened later. So each line counts once, and never for a month closed without it.
with lines as (

    select * from {{ ref('int_settlement_lines') }}

),

terms as (

    select * from {{ ref('int_rules__close_terms') }}

),

restated as (

    select * from {{ ref('int_restated_months') }}

),

months as (

    select
        {{ settlement_line_columns() }},
        posted_date,
        origin_month,
        case
            when origin_month < {{ month_of('posted_date') }} and (
                posted_date < {{ add_days(add_months('origin_month', 1), 'terms.grace_days') }}
                or posted_date <= restated.posted_through_date
            ) then origin_month
            else {{ month_of('posted_date') }}
        end as period_month
    from lines
    left join terms
        on origin_month >= terms.valid_from_date
        and origin_month < terms.valid_until_date
    left join restated on origin_month = restated.restated_month

)

select * from months
