-- What the channel billed, refunds below zero, each under the till's name of the payment or of its refund. The channel
-- may bill one payment twice; `place` numbers its trades.
with trades as (

    select
        *,
        case when trade_status = 'paid' then order_no else coalesce(refund_no, order_no) end as payment_no
    from {{ ref('stg_payments__trades') }}

),

billed as (

    select
        'mall' as business,
        'wechat' as channel,
        payment_no,
        row_number() over (partition by payment_no order by traded_at, wechat_order_no, wechat_refund_no) as place,
        case when trade_status <> 'paid' then order_no end as original_payment_no,
        wechat_order_no,
        wechat_order_no || '/' || wechat_refund_no as trade_no,
        merchant_id,
        business_date,
        case
            when trade_status = 'paid' then coalesce(order_fen, paid_fen)
            else -coalesce(requested_refund_fen, refund_fen)
        end as amount_fen,
        fee_fen,
        load_date,
        source_file,
        source_row
    from trades

)

select * from billed
