with source as (

    select * from {{ source('outlet', 'invoice_lines') }}

),

latest as (
{{ latest_version('source', ['invoice_no', 'stock_code', 'copy_no'], 'invoice_no', ref('int_outlet__touched_documents')) }}
),

renamed as (

    select
        invoice_no,
        case substring(invoice_no, 1, 1)
            when 'C' then 'refund'
            when 'A' then 'adjustment'
            else 'purchase'
        end as document_type,
        customer_id as account_id,
        invoiced_at,
        business_date,
        quantity,
        amount_fen,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
