with source as (

    select * from {{ source('payments', 'trades') }}

),

latest as (
{{ latest_version('source', ['wechat_order_no', 'wechat_refund_no']) }}
),

renamed as (

    select
        wechat_order_no,
        wechat_refund_no,
        order_no,
        refund_no,
        merchant_id,
        trade_status,
        traded_at,
        business_date,
        paid_fen,
        order_fen,
        refund_fen,
        requested_refund_fen,
        fee_fen,
        load_date,
        _source_file as source_file,
        _source_row as source_row
    from latest

)

select * from renamed
