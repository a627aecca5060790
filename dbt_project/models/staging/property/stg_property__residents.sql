with source as (

    select * from {{ source('property', 'residents') }}

),

latest as (
{{ latest_version('source', ['resident_no']) }}
),

renamed as (

    select
        resident_no as account_id,
        unit_no,
        role,
        mobile_token,
        id_document_token,
        plate_no_token,
        name_masked,
        mobile_masked,
        moved_in_date,
        moved_out_date,
        is_marketing_consented,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
