with source as (

    select * from {{ source('hotel', 'guests') }}

),

latest as (
{{ latest_version('source', ['guest_id']) }}
),

renamed as (

    select
        guest_id as account_id,
        mobile_token,
        email_token,
        id_document_token,
        name_masked,
        mobile_masked,
        gender,
        birth_year,
        created_date,
        is_marketing_consented,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
