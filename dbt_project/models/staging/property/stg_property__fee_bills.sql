with source as (

    select * from {{ source('property', 'fee_bills') }}

),

latest as (
{{ latest_version('source', ['bill_no']) }}
),

renamed as (

    select
        bill_no,
        unit_no,
        fee_type,
        bill_month,
        amount_fen,
        due_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
