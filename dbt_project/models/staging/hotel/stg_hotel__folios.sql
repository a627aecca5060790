with source as (

    select * from {{ source('hotel', 'folios') }}

),

latest as (
{{ latest_version('source', ['folio_no'], 'folio_no', ref('int_hotel__touched_documents')) }}
),

renamed as (

    select
        folio_no,
        stay_no,
        guest_id as account_id,
        closed_at,
        business_date,
        channel,
        gross_fen,
        discount_fen,
        paid_fen,
        points_used,
        original_folio_no,
        _source_file as source_file,
        _source_row as source_row,
        load_date
    from latest

)

select * from renamed
