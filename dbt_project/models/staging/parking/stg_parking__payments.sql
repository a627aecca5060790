with source as (

    select * from {{ source('parking', 'payments') }}

),

latest as (
{{ latest_version('source', ['payment_no'], 'session_no', ref('int_parking__touched_documents')) }}
),

renamed as (

    select
        payment_no,
        session_no,
        paid_at,
        business_date,
        paid_fen,
        points_used,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
