with source as (

    select * from {{ source('pos', 'merchants') }}

),

latest as (
{{ latest_version('source', ['merchant_id']) }}
),

renamed as (

    select
        merchant_id,
        merchant_name,
        category,
        floor,
        opened_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
