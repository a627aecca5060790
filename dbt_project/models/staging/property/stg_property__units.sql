with source as (

    select * from {{ source('property', 'units') }}

),

latest as (
{{ latest_version('source', ['unit_no']) }}
),

renamed as (

    select
        unit_no,
        community,
        area_square_metres,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
