with source as (

    select * from {{ source('hotel', 'legacy_balances') }}

),

latest as (
{{ latest_version('source', ['line_no']) }}
),

renamed as (

    select
        line_no,
        guest_id as account_id,
        points,
        expires_on_date,
        tier_name,
        as_of_date,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
