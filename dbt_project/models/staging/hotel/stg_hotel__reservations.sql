with source as (

    select * from {{ source('hotel', 'reservations') }}

),

latest as (
{{ latest_version('source', ['reservation_no']) }}
),

renamed as (

    select
        reservation_no,
        guest_id as account_id,
        channel,
        agent_code,
        arrival_date,
        departure_date,
        room_type,
        status,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
