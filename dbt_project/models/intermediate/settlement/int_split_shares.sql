-- What each merchant of an order is to get of each payment in all, and since which night: the one on which the payment was
-- billed or a line of the order was last posted. An order that was paid in several ways is split payment by payment,
-- rounded down; what is left goes with the statement.
with shares as (

    select
        payments.*,
        receivers.receiver_party,
        receivers.receiver_count,
        receivers.period_month,
        greatest(receivers.posted_date, payments.billed_on) as issued_date,
        {{ divide_down('receivers.net_fen * payments.payment_fen', 'receivers.order_fen') }} as split_fen
    from {{ ref('int_split_payments') }} as payments
    inner join {{ ref('int_split_receivers') }} as receivers on payments.activity_id = receivers.activity_id

),

summed as (

    select
        *,
        sum(greatest(split_fen, 0)) over (partition by channel, payment_no) as payment_split_fen
    from shares

)

select * from summed
