with source as (

    select * from {{ source('hotel', 'stays') }}

),

latest as (
{{ latest_version('source', ['stay_no']) }}
),

renamed as (

    select
        stay_no,
        night_count
    from latest

)

select * from renamed
