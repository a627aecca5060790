with source as (

    select * from {{ source('property', 'fee_payments') }}

),

latest as (
{{ latest_version('source', ['payment_no'], 'payment_no', ref('int_property__touched_documents')) }}
),

renamed as (

    select
        payment_no,
        bill_no,
        resident_no as account_id,
        paid_at,
        business_date,
        channel,
        gross_fen,
        paid_fen,
        points_used,
        original_payment_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
