-- The month for which a line counts: that in which it was posted, or its own (macro `counted_month`).
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
        reversal_reason,
        posted_date,
        origin_month,
        {{ counted_month('posted_date', 'origin_month') }} as period_month
    from lines
    left join terms
        on origin_month >= terms.valid_from_date
        and origin_month < terms.valid_until_date
    left join restated on origin_month = restated.restated_month

)

select * from months
