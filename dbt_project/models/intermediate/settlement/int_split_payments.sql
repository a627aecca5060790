-- Payments that a channel has taken and billed as the till says, with what was given back of each and the order's money.
with matches as (

    select * from {{ ref('int_channel_matches') }}
    where reason is null and till_fen > 0

),

refunded as (

    select
        channel,
        original_payment_no as payment_no,
        -sum(amount_fen) as refunded_fen
    from {{ ref('int_payments__channel_trades') }}
    where original_payment_no is not null
    group by channel, original_payment_no

),

orders as (

    select
        activity_id,
        sum(sale_fen) as order_fen,
        count(*) as receiver_count
    from {{ ref('int_split_receivers') }}
    group by activity_id

),

payments as (

    select
        matches.business,
        matches.channel,
        matches.payment_no,
        matches.activity_id,
        matches.business_date,
        matches.till_fen as payment_fen,
        matches.fee_fen,
        coalesce(refunded.refunded_fen, 0) as refunded_fen,
        orders.order_fen,
        orders.receiver_count
    from matches
    inner join orders on matches.activity_id = orders.activity_id
    left join refunded
        on matches.channel = refunded.channel
        and matches.payment_no = refunded.payment_no

)

select * from payments
