-- Payments that a channel has taken and billed as the till says, with what was given back of each.
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

payments as (

    select
        matches.business,
        matches.channel,
        matches.payment_no,
        matches.activity_id,
        matches.document_no,
        matches.business_date,
        matches.till_fen as payment_fen,
        matches.fee_fen,
        matches.billed_on,
        coalesce(refunded.refunded_fen, 0) as refunded_fen
    from matches
    left join refunded
        on matches.channel = refunded.channel
        and matches.payment_no = refunded.payment_no

)

select * from payments
