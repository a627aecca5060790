with source as (

    select * from {{ source('pos', 'tenders') }}

),

latest as (
{{ latest_version('source', ['receipt_no', 'tender_no'], 'receipt_no', ref('int_mall__touched_documents')) }}
),

renamed as (

    select
        receipt_no,
        tender_no,
        tender_type,
        amount_fen,
        points,
        voucher_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
