{{ config(materialized='file') }}

-- All settlement lines that tonight posts: of points, and of merchants.
with postings as (

    select {{ settlement_line_columns() }} from {{ ref('int_taxed_postings') }}
    union all
    select {{ settlement_line_columns() }} from {{ ref('int_merchant_postings') }}

)

select * from postings
