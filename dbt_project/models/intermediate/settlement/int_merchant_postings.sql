-- Tonight's settlement lines between merchants and those who pay them or are paid by them.
with postings as (

    select {{ settlement_line_columns() }} from {{ ref('int_order_postings') }}
    union all
    select {{ settlement_line_columns() }} from {{ ref('int_contract_month_postings') }}

)

select * from postings
