with source as (

    select * from {{ source('hotel', 'stays') }}

),

latest as (
{{ latest_version('source', ['stay_no']) }}
),

renamed as (

    select
        stay_no,
        reservation_no,
        guest_id as account_id,
        room_no,
        check_in_at,
        check_out_at,
        night_count,
        audit_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
