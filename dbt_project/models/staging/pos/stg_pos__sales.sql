{{ config(materialized='file') }}

-- Written once, since activities and items both read it: which of millions of lines count is found once.
with source as (

    select * from {{ source('pos', 'sales') }}

),

latest as (
{{ latest_version('source', ['receipt_no', 'line_no'], 'receipt_no', ref('int_mall__touched_documents')) }}
),

renamed as (

    select
        receipt_no,
        line_no,
        store_no,
        till_no,
        merchant_id,
        member_no as account_id,
        sold_at,
        business_date,
        product_name,
        category,
        quantity,
        list_fen,
        discount_fen,
        paid_fen as due_fen,
        original_receipt_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
