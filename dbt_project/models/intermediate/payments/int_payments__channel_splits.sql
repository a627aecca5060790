-- What the channel's split bill says of each payment and receiver: what it has paid in all, less what came back. A payment
-- goes by the till's name of it; one that no trade bill knows by the channel's. Requests count for the payment, whoever
-- they paid.
with lines as (

    select * from {{ ref('stg_splits__split_lines') }}

),

payments as (

    select
        wechat_order_no,
        min(payment_no) as payment_no
    from {{ ref('int_payments__channel_trades') }}
    where original_payment_no is null
    group by wechat_order_no

),

named as (

    select
        lines.*,
        coalesce(payments.payment_no, lines.wechat_order_no) as payment_no,
        lines.split_kind = 'split' as is_split,
        row_number() over (
            partition by lines.wechat_order_no, lines.receiver_no order by lines.business_date desc, lines.detail_no desc
        ) as age_rank
    from lines
    left join payments on lines.wechat_order_no = payments.wechat_order_no

),

requests as (

    select
        payment_no,
        count(distinct case when is_split then request_no end) as split_request_count,
        count(distinct case when not is_split then request_no end) as return_request_count
    from named
    group by payment_no

),

received as (

    select
        payment_no,
        'mall/' || receiver_no as receiver_party,
        min(wechat_order_no) as wechat_order_no,
        sum(case when is_split then amount_fen else -amount_fen end) as billed_fen,
        min(case when is_split then business_date end) as first_split_date,
        max(business_date) as last_line_date,
        max(case when age_rank = 1 then source_file end) as source_file,
        max(case when age_rank = 1 then source_row end) as source_row
    from named
    group by payment_no, receiver_no

),

splits as (

    select
        'mall' as business,
        'wechat' as channel,
        received.*,
        requests.split_request_count,
        requests.return_request_count
    from received
    inner join requests on received.payment_no = requests.payment_no

)

select * from splits
