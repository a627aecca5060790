with tonight as (

    select * from {{ ref('int_tonight') }}

),

lines as (

    select posted_date, {{ settlement_line_columns() }}, reversal_reason
    from {{ ref('int_posted__settlement_lines') }}
    union all
    select (select business_date from tonight) as posted_date, {{ settlement_line_columns() }}, reversal_reason
    from {{ ref('int_line_postings') }}

),

with_months as (

    select
        *,
        {{ month_of('posted_date') }} as period_month,
        {{ month_of('business_date') }} as origin_month
    from lines

)

select * from with_months
