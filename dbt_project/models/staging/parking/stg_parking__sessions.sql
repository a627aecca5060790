with source as (

    select * from {{ source('parking', 'sessions') }}

),

latest as (
{{ latest_version('source', ['session_no'], 'session_no', ref('int_parking__touched_documents')) }}
),

renamed as (

    select
        session_no,
        lot_no,
        plate_no_token,
        entered_at,
        exited_at,
        business_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
