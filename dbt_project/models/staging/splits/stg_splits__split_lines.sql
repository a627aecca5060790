with source as (

    select * from {{ source('splits', 'split_lines') }}

),

latest as (
{{ latest_version('source', ['detail_no']) }}
),

renamed as (

    select
        detail_no,
        request_no,
        wechat_order_no,
        receiver_no,
        split_kind,
        amount_fen,
        business_date,
        _source_file as source_file,
        _source_row as source_row
    from latest

)

select * from renamed
