with source as (

    select * from {{ source('parking', 'vehicles') }}

),

latest as (
{{ latest_version('source', ['vehicle_id']) }}
),

renamed as (

    select
        vehicle_id as account_id,
        plate_no_token,
        mobile_token,
        mobile_masked,
        bound_date,
        unbound_date,
        is_marketing_consented,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
